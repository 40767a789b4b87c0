#!/usr/bin/env bash
# Installs cpa-usage as systemd services, upgrades it, goes back to the release before, or removes it.
# Everything is in functions, and the last line calls the first of them: a script that arrives in part does nothing.
set -euo pipefail
umask 022

user=cliproxy
command=/usr/local/sbin/cpa-usage-install # this script, once it is installed, in a folder of root's
word=/usr/local/bin/cpa-usage             # manage.py as the services' user
prefix=/home/cliproxy/cpa-usage
url=${CPA_USAGE_URL:-}
action=install version="" archive="" root="" patience=60 purge="" dry="" restore=""
script=${BASH_SOURCE[0]:+$(readlink -f "${BASH_SOURCE[0]}")} # none where it comes through a pipe
kept_releases=3 upgrading=""
units=(cpa-usage-web.service cpa-usage-drain.service cpa-usage-tasks.service cpa-usage.target)
chosen=("${units[@]}") # without those that a person has disabled
marks=(.env data logs backups releases)

help() {
    cat <<END
Usage: cpa-usage-install.sh [options]
Installs cpa-usage, or upgrades it; inside an unpacked release that one, else the one that the options name, else the
newest archive next to this script, else the latest at --url.

  --version V         this version: from the folder of this script, or downloaded
  --archive FILE      this archive: cpa-usage_V_linux_ARCH.tar.gz
  --url URL           download from there, a page of releases as GitHub has them (or CPA_USAGE_URL)
  --prefix DIR        where it lives ($prefix)
  --patience SECONDS  how long a started release may take until it answers ($patience)
  --root DIR          only lay out files and units below DIR, for an image or a package
  --rollback          go back to the release before; --restore-backup: with the database as it was then
  --uninstall         remove services and program; --purge: settings, data, logs and backups too
  --dry-run           print each step, change nothing
  --help              this

On the first install CPA_BASE_URL and CPA_MANAGEMENT_KEY are asked for, or taken from the environment. PYTHON names
another interpreter than the one found.
END
}

fail() {
    echo "cpa-usage-install: $*" >&2
    exit 1
}

say() { echo "==> $*"; }

# step WORDS COMMAND...: say what is done, and do it unless this is a dry run.
step() {
    if [ -n "$dry" ]; then
        echo "would: $1"
        return
    fi
    say "$1"
    "${@:2}"
}

main() {
    read_options "$@"
    prefix=$root$prefix
    case $action in
        install) install_release ;;
        rollback) roll_back ;;
        uninstall) uninstall ;;
    esac
}

read_options() {
    while [ $# -gt 0 ]; do
        case $1 in
            --help) help && exit ;;
            --dry-run) dry=1 ;;
            --rollback) action=rollback ;;
            --restore-backup) restore=1 ;;
            --uninstall) action=uninstall ;;
            --purge) purge=1 ;;
            --version | --archive | --url | --prefix | --root | --patience)
                [ $# -gt 1 ] && [ -n "$2" ] || fail "$1 lacks its value."
                printf -v "${1#--}" %s "$2"
                shift
                ;;
            *) fail "$1 is unknown: --help lists the options." ;;
        esac
        shift
    done
    [[ $prefix =~ ^/[A-Za-z0-9._/-]*[A-Za-z0-9._-]$ ]] || fail "--prefix $prefix: name a folder by its full path, of letters, digits and ._- alone."
    [[ $prefix =~ ^/[^/]+/.*[^/]+ ]] || fail "--prefix $prefix: a folder of its own is needed, such as /opt/cpa-usage."
    [[ -z $root || $root == /* ]] || fail "--root $root: name a folder by its full path."
    [[ $patience =~ ^[1-9][0-9]{0,3}$ ]] || fail "--patience $patience: name a number of seconds."
    [[ -z $version || $version =~ ^[0-9A-Za-z.+-]+$ ]] || fail "--version $version: this is no version."
    [ -z "$purge" ] || [ "$action" = uninstall ] || fail "--purge goes with --uninstall."
    [ -z "$restore" ] || [ "$action" = rollback ] || fail "--restore-backup goes with --rollback."
    [ -z "$archive" ] || [ -f "$archive" ] || fail "--archive $archive: there is no such file."
}

# --- What is here -----------------------------------------------------------------------------------------------

require_machine() {
    [ -z "$root" ] || return 0
    [ "$(id -u)" = 0 ] || fail "It makes a user and services: run it as root."
    [ -d /run/systemd/system ] || fail "systemd does not run here: see docs/install.md for a start by hand, or use the container."
    getconf GNU_LIBC_VERSION >/dev/null 2>&1 || fail "The packages in a release need glibc, which this system does not have: use the container."
}

# Root writes there and runs what lies there, so it must be root's; and a folder of something else is left alone.
require_ours() {
    local elsewhere
    elsewhere=$(sed -nE 's|^ExecStart=(.*)/current/.*|\1|p' "$root/etc/systemd/system/cpa-usage-web.service" 2>/dev/null) || true
    [ -z "$elsewhere" ] || [ "$elsewhere" = "${prefix#"$root"}" ] || fail "cpa-usage is installed in $elsewhere: give --prefix $elsewhere, or --uninstall it there first."
    [ ! -L "$prefix" ] || fail "$prefix is a link: name the folder itself."
    [ -d "$prefix" ] || return 0
    [ -n "$root" ] || [ "$(stat -c %u "$prefix")" = 0 ] || fail "$prefix is $(stat -c %U "$prefix")'s, and must be root's: chown root: $prefix"
    [ -f "$prefix/.cpa-usage" ] || [ -z "$(ls -A "$prefix")" ] || fail "$prefix holds something that this script did not make: name another --prefix."
}

alone() {
    require_ours
    [ -z "$dry$root" ] || return 0
    mkdir -p "$prefix"
    touch "$prefix/.cpa-usage"
    exec 8>"$prefix/.installer.lock"
    flock --nonblock 8 && return
    say "Another installation is under way: waiting for its end."
    flock 8
}

like() { # like WORD...: whether the system, or what it descends from, is one of these
    local id
    id=$(. "$root/etc/os-release" 2>/dev/null && echo "${ID:-} ${ID_LIKE:-}")
    local word
    for word in "$@"; do
        [[ " $id " != *" $word "* ]] || return 0
    done
    return 1
}

advice() {
    if like debian ubuntu; then
        echo "apt install python3 python3-venv"
    elif like rhel fedora centos; then
        echo "dnf install python3.12"
    else
        echo "install it by the system's packages"
    fi
}

# The interpreter: of 3.11 or newer, with venv, and one that the wheels of the release are for.
find_python() {
    local candidate found tag
    for candidate in ${PYTHON:-python3 python3.13 python3.12 python3.11}; do
        found=$("$candidate" -c '
import sys, venv, ensurepip
print(f"cp3{sys.version_info[1]}", sys.executable)
sys.exit(sys.version_info < (3, 11))' 2>/dev/null) || continue
        tag=${found%% *} found=${found#* }
        compgen -G "$1/wheelhouse/*-$tag-*.whl" >/dev/null || continue
        [[ $(readlink -f "$found")/ != /home/* && $(readlink -f "$found")/ != /root/* ]] || continue
        echo "$found"
        return
    done
    fail "It needs Python 3.11, 3.12 or 3.13 with venv, outside of /home and /root: $(advice)"
}

current() { basename "$(readlink "$prefix/current" 2>/dev/null)" 2>/dev/null || true; }

is_complete() { [ -n "$1" ] && [ -f "$prefix/releases/$1/.installed" ]; }

# Not so where the system's Python was replaced by a newer one since: the packages are to be installed once more.
has_packages() {
    is_complete "$1" && { [ -n "$root" ] || "$prefix/releases/$1/.venv/bin/python" -c 'import django' 2>/dev/null; }
}

before() { # the release that a release took the place of, where that is still here
    local found
    found=$(sed -n 1p "$prefix/releases/$1/.before" 2>/dev/null) || true
    ! has_packages "$found" || echo "$found"
}

python_of() { # python_of RELEASE WORDS...: its Python in its folder, as the services' user, with none of our variables
    local home=$prefix/releases/$1
    runuser -u "$user" -- env -i -C "$home" PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 PYTHONUNBUFFERED=1 \
        DJANGO_SETTINGS_MODULE=cpa_usage.settings "$home/.venv/bin/python" "${@:2}"
}

manage() { python_of "$1" manage.py "${@:2}"; }

setting() { python_of "$1" -c "from cpa_usage import settings; print(settings.$2)"; }

on_sqlite() { [ -z "$(setting "$1" DATABASE_URL)" ]; }

has_data() { # from before it was removed, or of a first start that was killed
    is_complete "$version" && [ -s "$(setting "$version" SQLITE_PATH)" ]
}

# Whether a release can use the database as it is; 2 when a newer one has changed it.
knows_database() {
    python_of "$1" -c '
import django, sys
django.setup()
from django.db import Error
from cpa_usage.database.versions import wrong_version
try:
    sys.exit(2 if "newer" in wrong_version() else 0)
except Error:
    pass  # it is away, for every release'
}

# --- The release --------------------------------------------------------------------------------------------------

# Sets `source`, a folder, and `version`; a downloaded or packed one is in `work`.
obtain() {
    work=$(mktemp -d)
    trap ended EXIT
    local here=""
    [ -z "$script" ] || here=$(dirname "$script")
    if [ -z "$version$archive" ] && [ -n "$here" ] && [ -f "$here/manage.py" ] && [ -f "$here/SHA256SUMS" ]; then
        source=$here
    else
        [ -n "$archive" ] || [ -z "$here" ] || archive=$(archive_in "$here")
        if [ -z "$version$archive$url" ] && is_complete "$(current)"; then
            source=$prefix/releases/$(current)
        else
            [ -n "$archive" ] || download
            unpack
        fi
    fi
    version=$(sed -nE 's/^__version__ = "([0-9A-Za-z.+-]+)"/\1/p' "$source/cpa_usage/__init__.py")
    [ -n "$version" ] || fail "$source is no release of cpa-usage."
    (cd "$source" && sha256sum --quiet --check SHA256SUMS >/dev/null 2>&1) ||
        fail "Files of the release are damaged or missing: its SHA256SUMS does not fit. Get it again."
}

archive_in() {
    local pattern=cpa-usage_${version:-*}_linux_$(uname -m).tar.gz
    find "$1" -maxdepth 1 -name "$pattern" -user "$(id -un)" | sort -V | tail -n 1 # of this user alone
}

fetch() { # fetch ADDRESS FILE, with Python, which is here anyway
    local python
    python=$(command -v "${PYTHON:-python3}" || command -v python3.13 || command -v python3.12 || command -v python3.11) ||
        fail "It needs Python 3.11 or newer: $(advice)"
    "$python" -c '
import shutil, sys, urllib.request
try:
    with urllib.request.urlopen(sys.argv[1], timeout=60) as reply, open(sys.argv[2], "wb") as file:
        shutil.copyfileobj(reply, file)
except OSError as error:
    sys.exit(f"cpa-usage-install: {sys.argv[1]} cannot be downloaded: {error}.")' "$1" "$2"
}

download() {
    local from=$url/latest/download name
    [ -n "$url" ] || fail "There is no release${version:+ $version} next to this script: name its --archive, or by --url where releases are."
    [ -z "$version" ] || from=$url/download/v$version
    say "Downloading from $from."
    fetch "$from/SHA256SUMS" "$work/SHA256SUMS"
    name=$(grep -oE "cpa-usage_[0-9A-Za-z.+-]+_linux_$(uname -m)\.tar\.gz" "$work/SHA256SUMS" | tail -n 1) ||
        fail "$from has no release for $(uname -m)."
    fetch "$from/$name" "$work/$name"
    archive=$work/$name
}

unpack() {
    local name folder
    name=$(basename "$archive") folder=$(dirname "$archive")
    [[ $name =~ ^cpa-usage_.*_linux_(.*)\.tar\.gz$ ]] || fail "$name is no release: one is called cpa-usage_VERSION_linux_ARCH.tar.gz."
    [ -n "$root" ] || [ "${BASH_REMATCH[1]}" = "$(uname -m)" ] || fail "$name is for ${BASH_REMATCH[1]}, and this machine is $(uname -m)."
    if [ -f "$folder/SHA256SUMS" ]; then
        (cd "$folder" && grep -F "  $name" SHA256SUMS | sha256sum --status --check - 2>/dev/null) ||
            fail "$name is not what SHA256SUMS next to it says: get it again."
    fi
    require_room "$work" $(($(stat -c %s "$archive") * 3)) "to unpack the release"
    tar -xzf "$archive" -C "$work" --no-same-owner 2>/dev/null || fail "$name cannot be unpacked: get it again."
    source=$(find "$work" -maxdepth 1 -type d -name 'cpa-usage_*' | head -n 1)
    [ -f "$source/SHA256SUMS" ] || fail "$name is no release of cpa-usage."
}

require_room() { # require_room FOLDER BYTES WHAT-FOR
    local free
    free=$(df --output=avail -B1 "$1" | tail -n 1)
    [ "$free" -ge "$2" ] || fail "$(($2 / 1000000)) MB are needed $3, and the disk of $1 has $((free / 1000000)) MB left: make room."
}

lay_out() {
    local folder
    mkdir -p "$prefix/releases"
    touch "$prefix/.cpa-usage"
    for folder in data logs backups; do
        mkdir -p "$prefix/$folder"
        [ ! -L "$prefix/$folder" ] || fail "$prefix/$folder is a link, and the services see no other folder: mount the other disk there."
        chmod 0700 "$prefix/$folder"
        [ -n "$root" ] || chown -h "$user:" "$prefix/$folder"
    done
    if [ -f "$prefix/.env" ] && [ -z "$root" ]; then # one that was copied here may be everyone's to read, or root's alone
        chmod 0600 "$prefix/.env"
        chown -h "$user:" "$prefix/.env"
    fi
    [ -n "$root" ] || runuser -u "$user" -- test -x "$prefix" || fail "The user $user cannot enter $prefix: let others pass its parents (chmod o+x), or choose another --prefix."
}

make_user() {
    local shell
    shell=$(command -v nologin || echo /bin/false)
    useradd --system --user-group --home-dir "/home/$user" --shell "$shell" "$user"
    mkdir -p "$prefix"
    touch "$prefix/.made-user"
}

copy_release() {
    local home=$prefix/releases/$version
    require_room "$prefix/releases" $(($(du -s --block-size=1 "$source" | cut -f 1) * 4)) "for the release and its packages"
    if ! [ "$source" -ef "$home" ]; then # else it lies there already, without its packages
        rm -rf "$home" "$prefix/releases/.$version"
        cp -R "$source" "$prefix/releases/.$version"
        mv -T "$prefix/releases/.$version" "$home"
    fi
    ln -sfn "${prefix#"$root"}/.env" "$home/.env"
}

build_venv() {
    local home=$prefix/releases/$version
    "$python" -m venv --clear "$home/.venv"
    "$home/.venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-index --no-cache-dir --no-compile \
        --find-links "$home/wheelhouse" -r "$home/requirements.txt" -c "$home/constraints.txt"
    "$home/.venv/bin/python" -m compileall -q -j 0 "$home" >/dev/null || true # on all cores; services may not write here
    if command -v selinuxenabled >/dev/null && selinuxenabled; then
        chcon -R -t bin_t "$home/.venv/bin"
    fi
    (cd "$home" && env -i PATH="$PATH" ENV_FILE=/dev/null SQLITE_PATH=:memory: LOG_FILE_ENABLED=false SECRET_KEY=check \
        CPA_BASE_URL=http://check CPA_MANAGEMENT_KEY=check .venv/bin/python manage.py check >/dev/null) ||
        fail "The new release does not work with this Python: nothing was changed."
    touch "$home/.installed"
}

# --- .env ---------------------------------------------------------------------------------------------------------

value_of() { # of several lines the first counts
    sed -nE "/^$1=/{s/^$1=['\"]?([^'\"]*)['\"]?$/\\1/p;q}" "$prefix/.env" 2>/dev/null || true
}

is_configured() { [ -n "$(value_of CPA_BASE_URL)" ] && [ -n "$(value_of CPA_MANAGEMENT_KEY)" ]; }

quoted() {
    [[ $1 != *[\'$'\n']* ]] || fail "A quote or a line break in a value cannot be written to .env by this script: write it there by hand."
    [[ $1 =~ ^[A-Za-z0-9._~:/@%+=,-]*$ ]] && printf %s "$1" || printf "'%s'" "$1"
}

# set_variables FILE NAME VALUE ...: into that file of variables. Only builtins see the values: they stand in no list of processes.
set_variables() {
    local file=$1 line name out=""
    shift
    local -A wanted=()
    while [ $# -gt 0 ]; do
        wanted[$1]=$(quoted "$2")
        shift 2
    done
    while IFS= read -r line || [ -n "$line" ]; do
        name=${line%%=*} name=${name#\#}
        if [[ $name =~ ^[A-Z_]+$ && -n ${wanted[$name]+there} ]]; then
            line="$name=${wanted[$name]}"
            unset "wanted[$name]"
        fi
        out+=$line$'\n'
    done <"$file"
    for name in "${!wanted[@]}"; do # which no line named
        out+="$name=${wanted[$name]}"$'\n'
    done
    (umask 077 && printf %s "$out" >"$prefix/.env.new")
    [ -n "$root" ] || chown -h "$user:" "$prefix/.env.new"
    mv "$prefix/.env.new" "$prefix/.env"
}

make_env() {
    local place=${prefix#"$root"}
    set_variables "$source/.env.example" SQLITE_PATH "$place/data/app.db" SPOOL_DIR "$place/data/spool" LOG_DIR "$place/logs" \
        BACKUP_DIR "$place/backups" CPA_BASE_URL "" CPA_MANAGEMENT_KEY ""
}

found_cpa() {
    if timeout 2 bash -c '</dev/tcp/127.0.0.1/8317' 2>/dev/null; then
        say "Something listens at 127.0.0.1:8317, where a CPA does unless it is told otherwise." >&2
        echo http://127.0.0.1:8317
    fi
}

ask_for_cpa() {
    local address=${CPA_BASE_URL:-$(value_of CPA_BASE_URL)} key=${CPA_MANAGEMENT_KEY:-$(value_of CPA_MANAGEMENT_KEY)}
    [ -n "$address" ] || address=$(found_cpa)
    if [ -t 0 ]; then
        local answer
        read -r -p "Address of CPA [${address:-http://127.0.0.1:8317}]: " answer
        address=${answer:-${address:-http://127.0.0.1:8317}}
        if [ -z "$key" ]; then
            read -r -s -p "Secret key of CPA's remote management (is not shown): " key
            echo
        fi
    fi
    set_variables "$prefix/.env" CPA_BASE_URL "$address" CPA_MANAGEMENT_KEY "$key"
}

# --- Services -----------------------------------------------------------------------------------------------------

install_units() { # install_units RELEASE
    local from=$prefix/releases/$1/deploy/systemd to=$root/etc/systemd/system unit
    mkdir -p "$to/cpa-usage-.service.d"
    for unit in "${units[@]}" cpa-usage-.service.d/hardening.conf; do
        sed "s|/home/cliproxy/cpa-usage|${prefix#"$root"}|g" "$from/$unit" >"$to/.$user.new"
        mv "$to/.$user.new" "$to/$unit"
    done
    install -D -m 0755 "$prefix/releases/$1/cpa-usage-install.sh" "$root$command"
    install_word "$prefix/releases/$1/deploy/cpa-usage"
    [ -n "$root" ] || systemctl daemon-reload
}

is_our_word() { grep -q '^# cpa-usage COMMAND' "$root$word" 2>/dev/null; }

install_word() { # install_word FILE: which a release before it has not
    [ -f "$1" ] || return 0
    if [ -e "$root$word" ] && ! is_our_word; then
        say "$root$word is another program, and stays."
        return
    fi
    mkdir -p "$root${word%/*}"
    sed "s|/home/cliproxy/cpa-usage|${prefix#"$root"}|g" "$1" >"$root$word.new"
    chmod 0755 "$root$word.new"
    mv "$root$word.new" "$root$word"
}

remove_units() {
    local folder=/etc/systemd/system
    rm -f "$command"
    ! is_our_word || rm -f "$word"
    systemctl disable --quiet --now "${units[@]}" 2>/dev/null || true
    rm -rf "${units[@]/#/$folder/}" "$folder/cpa-usage-.service.d"
    systemctl daemon-reload
}

switch_to() { # switch_to RELEASE: what starts from now on is of this one
    install_units "$1"
    ln -sfn "releases/$1" "$prefix/current.new"
    mv -T "$prefix/current.new" "$prefix/current"
}

# is_healthy RELEASE [SECONDS] [held]: whether the web server is of this release and can use the database, within so many
# seconds; else prints why not. Of a held drain it does not expect that it stores.
is_healthy() {
    python_of "$1" - "$1" "${2:-$patience}" "${3:-}" <<'END'
import json, sys, time, urllib.error, urllib.request

from cpa_usage import settings
from cpa_usage.http.addresses import local

def answer(path):
    request = urllib.request.Request(f"{local()}{settings.APP_BASE_PATH}{path}", headers={"Host": "localhost"})
    try:
        with urllib.request.urlopen(request, timeout=5) as reply:
            return json.load(reply)
    except urllib.error.HTTPError as error:
        return json.load(error)

def trouble(version):
    try:
        found = answer("/api/v1/ping").get("version")
        if found != version:
            return f"version {found} answers at {local()}"
        reason = answer("/readyz").get("reason", "")
        held = sys.argv[3] and reason.startswith("The database stores no records")
        return reason if reason.startswith("The database") and not held else ""
    except (OSError, ValueError, AttributeError) as error:
        return f"the web server does not answer as it should: {error}"

until = time.monotonic() + float(sys.argv[2])
while found := trouble(sys.argv[1]):
    if time.monotonic() > until:
        print(found)
        sys.exit(1)
    time.sleep(0.2)
END
}

# Stop the drain. While this process lives, or one that it started, one that starts stores nothing: what it takes waits in
# the spool.
hold_drain() {
    local spool
    spool=$(setting "$1" SPOOL_DIR)
    runuser -u "$user" -- mkdir -p -m 0700 "$spool"
    (umask 077 && runuser -u "$user" -- touch "$spool/upgrade")
    [ -f "$spool/upgrade" ] || fail "$spool/upgrade is no file: remove it."
    exec 9<"$spool/upgrade"
    systemctl stop cpa-usage-drain.service
    flock 9
}

release_drain() { exec 9<&-; }

# --- Installing ---------------------------------------------------------------------------------------------------

install_release() {
    require_machine
    alone
    obtain
    local old
    old=$(current)
    # A release that was at work runs again where this run of it fails; one that never was gives way to the one before.
    [ "$old" != "$version" ] || [ -f "$prefix/releases/$version/.finished" ] || old=$(before "$version")
    [ -z "$old" ] || has_packages "$old" || old=""
    python=$([ -n "$root" ] || find_python "$source")
    if [ -z "$root" ] && ! id "$user" >/dev/null 2>&1; then
        step "Making the system user $user" make_user
    fi
    step "Making $prefix and its folders" lay_out
    prepare_release
    if [ ! -f "$prefix/.env" ]; then
        step "Making $prefix/.env" make_env
    fi
    [ -n "$dry" ] || is_configured || ask_for_cpa
    if [ -n "$root" ]; then
        step "Installing the units below $root" switch_to "$version"
        return
    fi
    [ -n "$dry" ] || stop_unless_configured
    if [ -n "$old" ] || has_data || systemctl --quiet is-active cpa-usage-web.service; then
        upgrade "$old"
    else
        first_start
    fi
    [ -n "$dry" ] || touch "$prefix/releases/$version/.finished"
    step "Looking at everything (manage.py doctor)" look
}

prepare_release() {
    local home=$prefix/releases/$version
    if has_packages "$version"; then
        [ "$source" -ef "$home" ] || cmp --quiet "$source/SHA256SUMS" "$home/SHA256SUMS" ||
            fail "Another release that calls itself $version is installed: give each release a version of its own."
        return
    fi
    step "Copying release $version to $home" copy_release
    [ -n "$root" ] || step "Installing its packages with $python" build_venv
}

stop_unless_configured() {
    is_configured && return
    local what="The release that runs was left as it is" again="this again"
    if ! systemctl --quiet is-active cpa-usage-web.service; then
        switch_to "$version"
        what="It is installed, and not started" again=$(basename "$command")
        [ "$prefix" = /home/cliproxy/cpa-usage ] || again+=" --prefix $prefix"
    fi
    fail "$what: set CPA_BASE_URL and CPA_MANAGEMENT_KEY in $prefix/.env, then run $again."
}

first_start() {
    step "Making the database ready (manage.py prepare)" first_prepare
    step "Installing the units" switch_to "$version"
    step "Starting web, drain and tasks" start_all
    step "Waiting until the web server answers" first_health
}

first_prepare() { manage "$version" prepare --port || fail "Nothing was started: mend that in $prefix/.env, and run this again."; }

start_all() {
    systemctl enable --quiet "${chosen[@]}"
    systemctl start --no-block "${chosen[@]}"
}

# A machine of several may have no drain, or no tasks: what a person disabled stays so. The web server is asked whether all
# is well, and so runs on each. Where nothing is enabled, the first start was not finished.
find_chosen() {
    local unit
    systemctl --quiet is-enabled "${units[@]}" 2>/dev/null || return 0
    chosen=(cpa-usage-web.service)
    for unit in "${units[@]:1}"; do
        [ "$(systemctl is-enabled "$unit" 2>/dev/null)" = disabled ] || chosen+=("$unit")
    done
}

is_chosen() { [[ " ${chosen[*]} " == *" $1 "* ]]; }

first_health() {
    local why
    why=$(is_healthy "$version") || fail "It runs, and is not well after $patience s: $why. See: journalctl -u cpa-usage-web"
}

look() {
    manage "$version" doctor || say "Not all is well yet: what to do is said above. ($prefix/current/.venv/bin/python $prefix/current/manage.py doctor, as $user, looks again.)"
}

# --- Upgrading ----------------------------------------------------------------------------------------------------

# upgrade OLD ("" where there is none to go back to). Each process runs until its successor is ready to start.
# The drain is the first: the new one takes records and lets them wait in the spool. So the backup holds all that is
# stored, and stays true until the new web server is healthy; only then are records stored and tasks begun. The old web
# server answers while the database is migrated.
upgrade() {
    old=$1 backup="" migrated=""
    find_chosen
    [ -n "$dry" ] || is_new_enough
    step "Replacing the drain: what it takes waits in the spool meanwhile" replace_drain
    step "Backing up the database" back_up
    step "Migrating the database" migrate
    step "Replacing the web server, and waiting until it answers" replace_web
    step "Starting the tasks, and storing what waits" finish
    step "Removing what is older than $kept_releases releases" prune
}

is_new_enough() {
    local state=0
    knows_database "$version" || state=$?
    [ "$state" != 2 ] || fail "A newer release has changed the database, and $version cannot read it: nothing was changed. See --rollback."
}

back_up() {
    local database
    on_sqlite "$version" || { say "It is PostgreSQL, whose backups are yours (pg_dump)." && return; }
    database=$(setting "$version" SQLITE_PATH)
    [ -s "$database" ] || return 0
    runuser -u "$user" -- find "$prefix/backups" -maxdepth 1 -name '.before-*.db.*' -delete # of one that was killed
    backup=$prefix/backups/before-$version-$(date +%Y%m%d-%H%M%S).db
    # By the new release: an earlier try, which was killed, may have migrated it, and then the old one refuses it.
    manage "$version" backup "$backup" || undo "there is no backup, so nothing was changed"
}

# A copy of the file, and what migrating it may write: 1.3 times the file again.
require_room_for_upgrade() {
    local database size more
    on_sqlite "$version" || return 0
    database=$(setting "$version" SQLITE_PATH)
    [ -f "$database" ] || return 0
    size=$(stat -c %s "$database") more=$((size * 13 / 10))
    require_room "$prefix/backups" "$size" "for a backup of the database"
    [ "$(stat -c %d "$database")" != "$(stat -c %d "$prefix/backups")" ] || more=$((more + size))
    require_room "$(dirname "$database")" "$more" "to back the database up and migrate it"
}

replace_drain() {
    require_room_for_upgrade
    trap 'undo "it was interrupted"' INT TERM HUP
    upgrading=1
    systemctl stop cpa-usage-tasks.service 2>/dev/null || true # a program that was removed has left no unit
    # First of all the way back, which a run after this one was killed is to know; the backup is not made yet.
    if [ "$(current)" != "$version" ]; then
        rm -f "$prefix/releases/$version/.finished"
        [ -z "$old" ] || printf '%s\n\n' "$old" >"$prefix/releases/$version/.before"
    fi
    switch_to "$version"
    hold_drain "$version"
    ! is_chosen cpa-usage-drain.service || systemctl start cpa-usage-drain.service ||
        undo "the drain does not start (journalctl -u cpa-usage-drain)"
}

migrate() {
    local home=$prefix/releases/$version is_due=""
    manage "$version" migrate --check >/dev/null 2>&1 || is_due=1
    # Where it is not due, an earlier try, which was killed, has migrated it.
    if [ "$old" != "$version" ] && { [ -n "$is_due" ] || [ ! -s "$home/.before" ]; }; then
        printf '%s\n%s\n' "$old" "${is_due:+$backup}" >"$home/.before"
    fi
    manage "$version" prepare && migrated=$is_due && return
    ! manage "$version" migrate --check >/dev/null 2>&1 || migrated=$is_due
    undo "the database cannot be made ready"
}

replace_web() {
    local why
    systemctl restart cpa-usage-web.service || true # it is tried again and again, and asked what it has to say
    why=$(is_healthy "$version" "$patience" held) || undo "after $patience s $why (journalctl -u cpa-usage-web)"
}

finish() {
    trap - INT TERM HUP
    upgrading=""
    release_drain
    start_all
    is_healthy "$version" 20 >/dev/null || true # it stores what waits in some seconds, and doctor is to see that
}

# The old release again, on the backup where this run has migrated the database: nothing was stored since it was made.
undo() {
    unstoppable
    upgrading=""
    say "The upgrade to $version failed: $1."
    if [ -z "$old" ]; then
        stay "There is no other release to go back to: mend that, and run this again."
    fi
    if [ -z "$backup" ] || [ -z "$migrated" ] && ! knows_database "$old"; then
        [ -n "$migrated" ] && migrate_back ||
            stay "$version stays and its drain goes on, for the database is migrated: $old could not use it. See --rollback."
    fi
    say "Going back to $old."
    go_back "$old" "${migrated:+$backup}"
    fail "The upgrade to $version failed: $1. $old runs again; no record was lost."
}

# PostgreSQL, of which there is no backup: what this run has migrated is undone, in one transaction.
migrate_back() {
    local last
    say "Undoing the migrations of $version."
    systemctl stop cpa-usage-web.service
    last=$(python_of "$old" -c '
import django
django.setup()
from django.db.migrations.loader import MigrationLoader
print(dict(MigrationLoader(None).graph.leaf_nodes()))') && python_of "$version" - "$last" <<'END'
import ast, sys
import django

django.setup()
from django.db import DatabaseError, connection, transaction
from django.db.migrations.exceptions import IrreversibleError
from django.db.migrations.executor import MigrationExecutor
from cpa_usage.database.preparing import lock_preparation

last = ast.literal_eval(sys.argv[1])
try:
    with transaction.atomic():
        lock_preparation()
        executor = MigrationExecutor(connection)
        executor.migrate([(app, last.get(app)) for app, _ in executor.loader.graph.leaf_nodes()])
except (IrreversibleError, DatabaseError) as error:
    sys.exit(f"They cannot be undone: {error}")
END
}

# A way back that is cut off would be none. A terminal that was closed takes no more words: the journal has them too.
unstoppable() {
    trap '' INT TERM HUP PIPE
    exec > >(tee --output-error=warn >(logger -t "$(basename "$command")") 2>/dev/null) 2>&1
}

# At the end, also at one that set -e brings about: the reason is what was printed last.
ended() {
    rm -rf "$work"
    [ -z "$upgrading" ] || undo "a step failed"
}

stay() {
    release_drain
    start_all
    fail "$1"
}

# go_back RELEASE BACKUP: run that release, on the backup where one is named.
go_back() {
    local database=""
    [ -z "$2" ] || database=$(setting "$1" SQLITE_PATH)
    if [ -n "$2" ]; then
        draft_of "$1" "$database" "$2" || stay "The backup cannot be put back, so $version stays: mend that, then --rollback."
        systemctl stop cpa-usage-web.service cpa-usage-drain.service
        put_back "$1" "$database" "$2" || stay "The backup cannot be put back, so $version stays: mend that, then --rollback."
    fi
    switch_to "$1"
    ! is_chosen cpa-usage-drain.service || systemctl restart cpa-usage-drain.service || true
    release_drain
    systemctl restart cpa-usage-web.service || true
    start_all
}

# The backup next to the database, for which the drain need not be stopped: a copy to another disk takes its time.
draft_of() {
    python_of "$1" - "$2" "$3" <<'END'
import os, shutil, sys

database, backup = sys.argv[1:]
draft = f"{database}.new"
if os.path.exists(draft):
    os.remove(draft)
try:
    os.link(backup, draft)  # takes no time, and no room
except OSError:  # another disk
    shutil.copyfile(backup, draft)
with open(draft) as file:
    os.fsync(file.fileno())
END
}

# At every moment there is a whole database under its name; the one that is replaced stays next to it.
put_back() {
    python_of "$1" - "$2" "$3" <<'END'
import os, sqlite3, sys, time

database, backup = sys.argv[1:]
if os.path.exists(database):
    now = sqlite3.connect(database)
    now.execute("PRAGMA journal_mode=DELETE")  # what is in the log is in the file now, and the log is gone
    now.close()
    kept = f"{database}.replaced-{time.strftime('%Y%m%d-%H%M%S')}"
    os.link(database, kept)
    print(f"What the database was is kept as {kept}: delete it when all is well.")
os.replace(f"{database}.new", database)
os.remove(backup)  # it is the database now
END
}

prune() {
    local release
    for release in $(cd "$prefix/releases" && ls -1td -- */.installed | cut -d / -f 1 | grep -vxF -e "$version" -e "${old:-$version}" | tail -n "+$((kept_releases - 1))"); do
        rm -rf "${prefix:?}/releases/$release"
    done
    # As the user whose folder it is, with names that may hold anything, and without those that are a way back.
    runuser -u "$user" -- find "$prefix/backups" -maxdepth 1 -name 'before-*.db' -printf '%T@ %p\0' | sort -zn |
        cut -z -d ' ' -f 2- | { grep -zvxFf <(sed -sn 2p "$prefix"/releases/*/.before 2>/dev/null) || true; } |
        head -zn "-$kept_releases" | runuser -u "$user" -- xargs -0r rm -f --
}

# --- Going back, and away -----------------------------------------------------------------------------------------

roll_back() {
    require_machine
    [ -d "$prefix" ] || fail "Nothing is installed in $prefix."
    alone
    version=$(current)
    [ -n "$version" ] || fail "Nothing is installed in $prefix."
    local old backup="" state=0
    old=$(before "$version")
    [ -n "$old" ] || fail "There is no release before $version here to go back to."
    knows_database "$old" || state=$?
    [ "$state" = 0 ] || [ "$state" = 2 ] || fail "$old does not start any more, which is said above: nothing was changed."
    if [ "$state" = 2 ]; then
        backup=$(sed -n 2p "$prefix/releases/$version/.before")
        [ -f "$backup" ] || fail "$version has changed the database, $old cannot read it so, and there is no backup of before (PostgreSQL: pg_restore yours first)."
        [ -n "$restore" ] || fail "$version has changed the database, and $old cannot read it so. The backup made before is $backup; $(lost "$backup") To go back to that all the same: --rollback --restore-backup"
        say "$(lost "$backup")"
    fi
    step "Going back from $version to $old" roll_back_to "$old" "$backup"
}

roll_back_to() {
    find_chosen
    unstoppable
    systemctl stop cpa-usage-tasks.service # which may take two minutes
    hold_drain "$1"
    ! is_chosen cpa-usage-drain.service || systemctl start cpa-usage-drain.service || true
    go_back "$1" "$2"
    local why
    why=$(is_healthy "$1") || fail "$1 runs, and is not well after $patience s: $why. See: journalctl -u cpa-usage-web"
    version=$1
    look
}

# What would be missing after a return to the backup, in a sentence.
lost() {
    python_of "$version" - "$(setting "$version" SQLITE_PATH)" "$1" <<'END'
import sqlite3, sys

now, then = (sqlite3.connect(f"file:{path}?mode=ro", uri=True).execute("SELECT count(*) FROM usage_event").fetchone()[0] for path in sys.argv[1:])
print(f"{max(now - then, 0):,} records that were stored since then would be missing, and what was changed by hand;"
      " the database of now is kept next to it.")
END
}

uninstall() {
    require_machine
    require_ours
    [ -f "$prefix/.cpa-usage" ] || fail "Nothing is installed in $prefix."
    alone
    step "Stopping and removing the services" remove_units
    if [ -n "$purge" ]; then
        step "Removing $prefix with settings, data, logs and backups" purge_all
    else
        step "Removing the program" rm -rf "$prefix/releases" "$prefix/current" "$prefix/.installer.lock"
        say "Kept: $prefix with .env, data, logs and backups. --uninstall --purge removes them too."
    fi
}

purge_all() {
    local made_user="" entry
    [ ! -f "$prefix/.made-user" ] || made_user=1
    for entry in "${marks[@]}" current .installer.lock .made-user .cpa-usage; do
        if mountpoint --quiet "$prefix/$entry"; then
            find "$prefix/$entry" -xdev -mindepth 1 -delete
            say "$prefix/$entry is a disk of its own: it is empty, and stays."
        else
            rm -rf "${prefix:?}/$entry"
        fi
    done
    rmdir --ignore-fail-on-non-empty "$prefix"
    if [ -n "$made_user" ]; then
        rmdir "/home/$user" 2>/dev/null || true
        if [ -e "/home/$user" ] || ! userdel "$user" 2>/dev/null; then
            say "The user $user stays: something else is in its home, or runs as it."
        fi
    fi
}

main "$@"
