"""Files as providers write them, a function each: the columns are those of their exports, the figures are made up."""

ANTHROPIC_USAGE = """\
usage_date_utc,model_version,api_key,workspace,usage_type,context_window,usage_input_tokens_no_cache,\
usage_input_tokens_cache_write_5m,usage_input_tokens_cache_write_1h,usage_input_tokens_cache_read,\
usage_output_tokens,web_search_count,inference_geo,speed
2026-11-23,claude-sonnet-4-5-20250929,proxy,Default,standard,≤ 200k,1000,200,50,4000,600,0,global,
2026-11-23,claude-sonnet-4-5-20250929,"laptop, old",Default,batch,≤ 200k,10,0,0,0,5,0,global,
2026-11-24,claude-haiku-4-5-20251001,proxy,Default,standard,≤ 200k,300,0,0,0,40,2,global,
"""

ANTHROPIC_COST = """\
usage_date_utc,model,workspace,api_key,usage_type,context_window,token_type,cost_usd,list_price_usd,cost_type,\
inference_geo,speed,api_key_id,api_key_status
2026-11-23,Claude Sonnet 4.5,Default,proxy,message,≤ 200k,input_no_cache,0.003,0.003,token,not_available,,a,active
2026-11-23,Claude Sonnet 4.5,Default,proxy,message,≤ 200k,output,0.009,0.009,token,not_available,,a,active
2026-11-24,Claude Haiku 4.5,Default,proxy,message,≤ 200k,input_cache_read,0.10,1.00,token,not_available,,a,active
"""

OPENAI_USAGE = """\
start_time,end_time,start_time_iso,end_time_iso,project_id,num_model_requests,user_id,api_key_id,model,batch,\
service_tier,input_tokens,output_tokens,input_cached_tokens,input_uncached_tokens
1795392000,1795478400,2026-11-23T00:00:00+00:00,2026-11-24T00:00:00+00:00,p,3.0,,key_a,gpt-5-2025-08-07,False,\
default,900,150,400,500
1795392000,1795478400,2026-11-23T00:00:00+00:00,2026-11-24T00:00:00+00:00,p,1.0,,key_b,gpt-5-2025-08-07,False,\
default,100,50,0,100
1795478400,1795564800,2026-11-24T00:00:00+00:00,2026-11-25T00:00:00+00:00,,,,,,,,,,,
"""

OPENAI_COST = """\
start_time,end_time,start_time_iso,end_time_iso,amount_value,amount_currency,quantity,quantity_unit,line_item,\
user_id,api_key_id,project_id,organization_id,project_name,organization_name,user_email,api_source
1795392000,1795478400,2026-11-23T00:00:00,2026-11-24T00:00:00,0.001125000000000000000000,usd,900,tokens,\
"gpt-5-2025-08-07, input",,,p,o,P,O,,
1795392000,1795478400,2026-11-23T00:00:00,2026-11-24T00:00:00,0.0000125,usd,100,tokens,\
"gpt-5-2025-08-07, cached input",,,p,o,P,O,,
1795392000,1795478400,2026-11-23T00:00:00,2026-11-24T00:00:00,0.002,usd,200,tokens,\
"gpt-5-2025-08-07, output",,,p,o,P,O,,
1795392000,1795478400,2026-11-23T00:00:00,2026-11-24T00:00:00,0.02,usd,2,calls,web search tool calls,,,p,o,P,O,,
1795478400,1795564800,2026-11-24T00:00:00,2026-11-25T00:00:00,,,,,,,,,,,,,
"""

OPENAI_COST_UNGROUPED = """\
start_time,end_time,start_time_iso,end_time_iso,amount_value,amount_currency,organization_id,organization_name
1795392000,1795478400,2026-11-23T00:00:00+00:00,2026-11-24T00:00:00+00:00,1.25,usd,o,O
"""

OPENROUTER = """\
generation_id,created_at,cost_total,cost_web_search,cost_cache,cost_file_processing,byok_usage_inference,\
tokens_prompt,tokens_completion,tokens_reasoning,tokens_cached,model_permaslug,provider_name,variant,cancelled,\
streamed,user,finish_reason_raw,finish_reason_normalized,generation_time_ms,time_to_first_token_ms,app_name,api_key_name
gen-1,2026-11-23 22:30:00.123,0.0123,0,-0.001,0,0,1000,200,50,400,anthropic/claude-4.5-sonnet-20250929,Anthropic,\
standard,false,true,,end_turn,stop,5000,700,proxy,main
gen-2,2026-11-24 01:00:00.456,0.0077,0,0,0,0,500,100,0,0,anthropic/claude-4.5-sonnet-20250929,Anthropic,\
standard,false,true,,end_turn,stop,4000,600,proxy,main
"""

GOOGLE_COST_TABLE = """\
Invoice number,5012345678
Invoice date,2026-11-30
Currency,USD

Billing account name,Billing account ID,Project name,Project ID,Service description,Service ID,SKU description,\
SKU ID,Credit type,Cost type,Usage start date,Usage end date,Usage amount,Usage unit,Unrounded Cost ($),Cost ($)
Me,01-02,Proxy,proxy-1,Gemini API,AEFD,Generate content input token count gemini 2.5 pro short input text,A1,,Usage,\
2026-11-23,2026-11-23,"1,250,000.00",count,1.5625,1.56
Me,01-02,Proxy,proxy-1,Gemini API,AEFD,Generate content cached input token count gemini 2.5 pro short,A2,,Usage,\
2026-11-23,2026-11-23,1000,count,0.000125,0.00
Me,01-02,Proxy,proxy-1,Gemini API,AEFD,Generate content output token count gemini 2.5 pro short output text,A3,,Usage,\
2026-11-23,2026-11-23,20000,count,0.2,0.20
Me,01-02,Proxy,proxy-1,Gemini API,AEFD,Generate content output token count gemini 2.5 pro short output text,A3,\
PROMOTION,Usage,2026-11-23,2026-11-23,,,-0.2,-0.20
Me,01-02,Proxy,proxy-1,Compute Engine,6F81,N1 Predefined Instance Core,B1,,Usage,2026-11-23,2026-11-23,24,hour,0.7,0.70
,,,,,,,,,Tax,,,,,0.1,0.10
,,,,,,,,,Total,,,,,2.36,2.36
"""

GOOGLE_BIGQUERY = """\
billing_account_id,service.id,service.description,sku.id,sku.description,usage_start_time,usage_end_time,project.id,\
cost,currency,usage.amount,usage.unit,cost_type
01-02,AE,Vertex AI,S1,Gemini 3.1 Flash Image Text Input - Predictions,2026-11-23 23:00:00 UTC,2026-11-24 00:00:00 UTC,\
p,0.25,USD,1000000,count,regular
01-02,AE,Vertex AI,S2,Gemini 3.1 Flash Image Text Output - Predictions,2026-11-24 00:00:00 UTC,\
2026-11-24 01:00:00 UTC,p,1.5,USD,500000,count,regular
"""

RESELLER = "\ufeffTag;Modell;Eingabe;Ausgabe;Preis\r\n2026-11-24;gpt-5;1000;200;0.0032\r\n"
