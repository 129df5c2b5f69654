# PostgreSQL.

POSTGRESQL_PACKAGE=postgresql-15

installed_postgresql() {
    [[ -n $(postgresql_programs) ]]
}

install_postgresql() {
    packages "$POSTGRESQL_PACKAGE"
}

launch_postgresql() {
    local port=$1 programs data=$STATE/postgresql.data as=()
    programs=$(postgresql_programs)
    # The server refuses to run as root.
    if [[ $(id -u) == 0 ]]; then
        as=(setpriv --reuid postgres --regid postgres --clear-groups)
        chmod o+x "$STATE"
    fi
    if [[ ! -d $data ]]; then
        mkdir -p "$data"
        [[ $(id -u) == 0 ]] && chown postgres: "$data"
        "${as[@]}" "$programs/initdb" --pgdata "$data" --username postgres --auth trust --encoding UTF8 --locale C >"$STATE/postgresql.log" 2>&1
    fi
    rm -f "$data/postmaster.pid"
    running postgresql "${as[@]}" "$programs/postgres" -D "$data" -h 127.0.0.1 -p "$port" -k ''
}

ready_postgresql() {
    "$(postgresql_programs)/pg_isready" --quiet --host 127.0.0.1 --port "$1"
}

addresses_postgresql() {
    echo "export REAL_POSTGRESQL=postgres://postgres@127.0.0.1:$1/postgres"
}

postgresql_programs() {
    local folder
    for folder in /usr/lib/postgresql/*/bin; do
        if [[ -x $folder/initdb ]]; then
            echo "$folder"
            return
        fi
    done
}
