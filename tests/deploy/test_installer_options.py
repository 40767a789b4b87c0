"""deploy/cpa-usage-install.sh without a machine to install on: what it refuses, and what it lays out for an image."""

import platform
import re
import shutil
import subprocess

import pytest

from tests import PROJECT

INSTALLER = PROJECT / "deploy/cpa-usage-install.sh"
ARCHIVE = f"cpa-usage_9.8.7_linux_{platform.machine()}.tar.gz"
SERVICES = ("cpa-usage-web.service", "cpa-usage-drain.service", "cpa-usage-tasks.service")
UNITS = ["cpa-usage-.service.d", *sorted(SERVICES), "cpa-usage.target"]


def run(script, *options, **variables):
    """A run that is not root's business; its standard error is in its output."""
    variables = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"} | variables
    return subprocess.run(
        [script, *map(str, options)],
        env=variables,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


def summed(folder, *names):
    sums = subprocess.run(["sha256sum", *names], cwd=folder, capture_output=True, text=True, check=True).stdout
    (folder / "SHA256SUMS").write_text(sums)


@pytest.fixture
def unpacked(tmp_path):
    """What the installer reads of a release."""
    folder = tmp_path / "cpa-usage_9.8.7"
    (folder / "cpa_usage").mkdir(parents=True)
    (folder / "cpa_usage/__init__.py").write_text('__version__ = "9.8.7"\n')
    for name in ("manage.py", ".env.example", "deploy"):
        copy = shutil.copytree if (PROJECT / name).is_dir() else shutil.copy
        copy(PROJECT / name, folder / name)
    shutil.copy(INSTALLER, folder)
    summed(folder, "manage.py", ".env.example", "cpa_usage/__init__.py", INSTALLER.name)
    return folder


@pytest.fixture
def archive(unpacked):
    subprocess.run(["tar", "-czf", ARCHIVE, unpacked.name], cwd=unpacked.parent, check=True)
    summed(unpacked.parent, ARCHIVE)
    return unpacked.parent / ARCHIVE


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--upwards"], "--upwards is unknown: --help lists the options."),
        (["--version"], "--version lacks its value."),
        (["--version", "../x"], "--version ../x: this is no version."),
        (["--prefix", "opt"], "--prefix opt: name a folder by its full path, of letters, digits and ._- alone."),
        (["--prefix", "/opt"], "--prefix /opt: a folder of its own is needed, such as /opt/cpa-usage."),
        (["--root", "here"], "--root here: name a folder by its full path."),
        (["--patience", "soon"], "--patience soon: name a number of seconds."),
        (["--archive", "/nowhere"], "--archive /nowhere: there is no such file."),
        (["--purge"], "--purge goes with --uninstall."),
        (["--restore-backup"], "--restore-backup goes with --rollback."),
        (["--root", "/tmp/none", "--archive", "/dev/null"], "--archive /dev/null: there is no such file."),
        (
            ["--root", "/tmp/none", "--version", "1.0"],
            "There is no release 1.0 next to this script: name its --archive, or by --url where releases are.",
        ),
        (
            ["--root", "/tmp/none", "--url", "http://127.0.0.1:1", "--version", "1.0"],
            "http://127.0.0.1:1/download/v1.0/SHA256SUMS cannot be downloaded: "
            "<urlopen error [Errno 111] Connection refused>.",
        ),
    ],
)
def test_what_it_refuses_is_told_in_a_line(options, sentence):
    done = run(INSTALLER, *options)
    assert (done.returncode, done.stdout.splitlines()[-1]) == (1, f"cpa-usage-install: {sentence}")


def test_it_helps():
    done = run(INSTALLER, "--help")
    assert done.returncode == 0
    for option in re.findall(r"^ +(--[a-z-]+)\)", INSTALLER.read_text(), re.MULTILINE):
        assert option in done.stdout


def test_files_and_units_are_laid_out_for_an_image(archive, tmp_path):
    root = tmp_path / "image"
    done = run(INSTALLER, "--root", root, "--archive", archive, "--prefix", "/opt/cpa-usage")
    assert done.returncode == 0, done.stdout
    home, units = root / "opt/cpa-usage", root / "etc/systemd/system"
    assert (home / "current").readlink().as_posix() == "releases/9.8.7"
    assert (home / "releases/9.8.7/.env").readlink().as_posix() == "/opt/cpa-usage/.env"
    assert (home / ".env").stat().st_mode & 0o777 == 0o600
    assert "\nSQLITE_PATH=/opt/cpa-usage/data/app.db\n" in (home / ".env").read_text()
    assert sorted(path.name for path in units.iterdir()) == UNITS
    for path in (*units.glob("*.service"), units / "cpa-usage-.service.d/hardening.conf"):
        assert "/opt/cpa-usage" in path.read_text() and "/home/" not in path.read_text()


def test_the_word_on_the_path_is_manage_py_as_the_services_user(unpacked, tmp_path):
    root, word = tmp_path / "image", tmp_path / "image/usr/local/bin/cpa-usage"
    options = ["--root", root, "--prefix", "/opt/cpa-usage"]
    assert run(unpacked / INSTALLER.name, *options).returncode == 0
    assert word.stat().st_mode & 0o777 == 0o755
    programs = tmp_path / "programs"
    programs.mkdir()
    # They say what they are called with, and where everything is to be moved to.
    for name, told in (("setpriv", "echo"), ("env", "[ $# = 0 ] && exec /usr/bin/env; echo as it is:")):
        (programs / name).write_text(f'#!/bin/sh\n{told} "$@ to $MOVE_TO_URL"\n')
    for user, begins in (
        ("root", "--reuid cliproxy --regid 4711 --init-groups env -u "),
        ("cliproxy", "as it is: -u "),
    ):
        (programs / "id").write_text(f"#!/bin/sh\n[ $1 = -g ] && echo 4711 || echo {user}\n")
        for program in programs.iterdir():
            program.chmod(0o755)
        done = run(word, "report", "--key", "a b", PATH=f"{programs}:/usr/bin:/bin", CPA_MANAGEMENT_KEY="other")
        given = run(word, "movedata", PATH=f"{programs}:/usr/bin:/bin", MOVE_TO_URL="postgres://a b")
        assert given.stdout.count("postgres://a b") == 1
        assert given.stdout.endswith("/opt/cpa-usage/current/manage.py movedata to postgres://a b\n")
        assert done.stdout.startswith(begins), done.stdout
        assert done.stdout.endswith("/opt/cpa-usage/current/manage.py report --key a b to \n")
        assert " -u CPA_MANAGEMENT_KEY " in done.stdout and "other" not in done.stdout
    (programs / "id").write_text("#!/bin/sh\necho someone\n")
    done = run(word, "doctor", PATH=f"{programs}:/usr/bin:/bin")
    assert (done.returncode, done.stdout) == (1, "cpa-usage: run it as root or cliproxy.\n")


def test_another_program_of_that_name_stays(unpacked, tmp_path):
    word = tmp_path / "image/usr/local/bin/cpa-usage"
    word.parent.mkdir(parents=True)
    word.write_text("theirs")
    done = run(unpacked / INSTALLER.name, "--root", tmp_path / "image")
    assert done.returncode == 0 and f"{word} is another program, and stays." in done.stdout
    assert word.read_text() == "theirs"


def test_its_variables_are_those_that_the_environment_gave(unpacked, tmp_path):
    given = {"CPA_BASE_URL": "http://cpa:8317", "CPA_MANAGEMENT_KEY": "a key # with $signs"}
    done = run(unpacked / INSTALLER.name, "--root", tmp_path / "image", **given)
    assert done.returncode == 0, done.stdout
    lines = (tmp_path / "image/home/cliproxy/cpa-usage/.env").read_text().splitlines()
    assert "CPA_BASE_URL=http://cpa:8317" in lines
    assert "CPA_MANAGEMENT_KEY='a key # with $signs'" in lines
    assert len(lines) == len((PROJECT / ".env.example").read_text().splitlines())


def test_what_is_given_stands_in_variables_of_a_user_too_and_of_two_lines_the_first_counts(unpacked, tmp_path):
    options, given = ["--root", tmp_path / "image"], {"CPA_BASE_URL": "http://cpa:8317", "CPA_MANAGEMENT_KEY": "given"}
    assert run(unpacked / INSTALLER.name, *options).returncode == 0
    variables = tmp_path / "image/home/cliproxy/cpa-usage/.env"
    for before, after in {
        "TZ=UTC\nCPA_BASE_URL=http://mine:8317\n": {"CPA_BASE_URL=http://cpa:8317", "CPA_MANAGEMENT_KEY=given"},
        "TZ=UTC\nCPA_BASE_URL=http://mine:8317\nCPA_MANAGEMENT_KEY=mine\nCPA_MANAGEMENT_KEY=\n": set(),
    }.items():
        variables.write_text(before)
        done = run(unpacked / INSTALLER.name, *options, **given)
        assert done.returncode == 0, done.stdout
        lines = variables.read_text().splitlines()
        assert after <= {*lines} and (after or "\n".join(lines) + "\n" == before)


def test_a_release_that_lies_in_its_place_already_stays_there(unpacked, tmp_path):
    options = ["--root", tmp_path / "image"]
    home = tmp_path / "image/home/cliproxy/cpa-usage/releases/9.8.7"
    shutil.copytree(unpacked, home)
    (home.parents[1] / ".cpa-usage").touch()
    done = run(home / INSTALLER.name, *options)
    assert done.returncode == 0, done.stdout
    assert (home / "manage.py").exists() and (home / ".env").is_symlink()


def test_a_folder_of_something_else_is_left_alone(unpacked, tmp_path):
    prefix = tmp_path / "image/srv/other"
    (prefix / "data").mkdir(parents=True)
    (prefix / ".env").write_text("theirs=1\n")
    done = run(unpacked / INSTALLER.name, "--root", tmp_path / "image", "--prefix", "/srv/other")
    assert done.returncode == 1
    assert f"{prefix} holds something that this script did not make: name another --prefix." in done.stdout
    assert (prefix / ".env").read_text() == "theirs=1\n"


def test_no_link_is_followed(unpacked, tmp_path):
    options = ["--root", tmp_path / "image"]
    assert run(unpacked / INSTALLER.name, *options).returncode == 0
    data, elsewhere = tmp_path / "image/home/cliproxy/cpa-usage/data", tmp_path / "elsewhere"
    data.rmdir()
    elsewhere.mkdir(mode=0o755)
    data.symlink_to(elsewhere)
    done = run(unpacked / INSTALLER.name, *options)
    assert (done.returncode, done.stdout.splitlines()[-1]) == (
        1,
        f"cpa-usage-install: {data} is a link, and the services see no other folder: mount the other disk there.",
    )
    assert elsewhere.stat().st_mode & 0o777 == 0o755


def test_lines_of_the_variables_are_not_run(unpacked, tmp_path):
    options = ["--root", tmp_path / "image"]
    assert run(unpacked / INSTALLER.name, *options).returncode == 0
    variables = tmp_path / "image/home/cliproxy/cpa-usage/.env"
    hostile = f"x[$(touch {tmp_path}/run)]=y"
    variables.write_text(f"{hostile}\nCPA_BASE_URL=\nCPA_MANAGEMENT_KEY=\n")
    done = run(
        unpacked / INSTALLER.name, *options, BASH_COMPAT="5.1", CPA_BASE_URL="http://cpa:8317", CPA_MANAGEMENT_KEY="k"
    )
    assert done.returncode == 0, done.stdout
    assert hostile in variables.read_text() and "CPA_BASE_URL=http://cpa:8317" in variables.read_text()
    assert not (tmp_path / "run").exists()


def test_a_pipe_brings_no_release(tmp_path):
    (tmp_path / "here").mkdir()
    (tmp_path / f"cpa-usage_99.0_linux_{platform.machine()}.tar.gz").write_bytes(b"")
    piped = subprocess.run(
        ["bash", "-s", "--", "--root", tmp_path / "image"],
        input=INSTALLER.read_text(),
        cwd=tmp_path / "here",
        capture_output=True,
        text=True,
        check=False,
    )
    assert piped.returncode == 1
    assert "There is no release next to this script" in piped.stderr


@pytest.mark.parametrize("damaged", ["archive", "file"])
def test_a_damaged_release_is_not_installed(archive, unpacked, tmp_path, damaged):
    script, options = INSTALLER, ["--archive", archive]
    if damaged == "archive":
        archive.write_bytes(archive.read_bytes() + b"more")
        sentence = f"{ARCHIVE} is not what SHA256SUMS next to it says: get it again."
    else:
        (unpacked / "manage.py").write_text("")
        script, options = unpacked / INSTALLER.name, []
        sentence = "Files of the release are damaged or missing: its SHA256SUMS does not fit. Get it again."
    done = run(script, "--root", tmp_path / "image", *options)
    assert (done.returncode, done.stdout) == (1, f"cpa-usage-install: {sentence}\n")
    assert not (tmp_path / "image").exists()


def test_the_services_may_do_little(unpacked, tmp_path):
    if not shutil.which("systemd-analyze"):
        pytest.skip("systemd is not installed")
    assert run(unpacked / INSTALLER.name, "--root", tmp_path / "image").returncode == 0
    for unit in SERVICES:
        options = ["security", "--offline=true", f"--root={tmp_path / 'image'}", "--threshold=20", "--no-pager", unit]
        looked = run(shutil.which("systemd-analyze"), *options)
        assert looked.returncode == 0, looked.stdout[-300:]
        assert "\nMemoryMax=" in (tmp_path / "image/etc/systemd/system" / unit).read_text()
