"""Every executor that writes records: those of CPA, those it once had, and those of plugins."""

# Executor and the provider that its records name.
EXECUTORS = {
    "ClaudeExecutor": "claude",
    "CodexExecutor": "codex",
    "CodexAutoExecutor": "codex",
    "CodexWebsocketsExecutor": "codex",
    "GeminiExecutor": "gemini",
    "GeminiVertexExecutor": "vertex",
    "GeminiCLIExecutor": "gemini-cli",
    "AIStudioExecutor": "aistudio",
    "AntigravityExecutor": "antigravity",
    "XAIExecutor": "xai",
    "XAIAutoExecutor": "xai",
    "XAIWebsocketsExecutor": "xai",
    "OpenAICompatExecutor": "openai-compatible-relay",
    "KimiExecutor": "kimi",
    "QwenExecutor": "qwen",
    "IFlowExecutor": "iflow",
    "GeminiCLIPluginExecutor": "gemini-cli",
    "DevinExecutor": "devin",
    "": "",  # CPA before 7.1.38 does not say
}
