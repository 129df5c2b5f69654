# Nothing that runs: the strangers that tests of the registry start. They are clients of registries that others have written, from
# their own registries of packages, and Spring Cloud's own registry, all with the few lines of `clients/` that let a test use them.

CLIENTS_JAVA=(boot2 boot3)

installed_clients() {
    java_installed && node_installed && installed_python && [[ -d $(javascript_modules) && -d $(spring_jars) ]]
}

install_clients() {
    java_installed || packages "${JAVA_PACKAGES[@]}"
    node_installed || packages nodejs npm
    installed_python || install_python
    if [[ ! -d $(javascript_modules) ]]; then
        install_javascript
    fi
    if [[ ! -d $(spring_jars) ]]; then
        install_spring
    fi
}

addresses_clients() {
    cat <<EXPORTS
export REAL_PYTHON=$PYTHON
export REAL_CLIENTS=$HERE/clients
export REAL_SPRING=$(spring_jars)
export NODE_PATH=$(javascript_modules)/node_modules
EXPORTS
}

# The lock file says what is fetched, to the last byte.
install_javascript() {
    local partial=$CACHE/javascript.partial
    rm -rf "$partial"
    mkdir -p "$partial"
    cp "$HERE"/clients/javascript/package*.json "$partial"
    (cd "$partial" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >&2)
    mv "$partial" "$(javascript_modules)"
}

install_spring() {
    local partial=$CACHE/spring.partial built generation
    rm -rf "$partial"
    mkdir -p "$partial"
    for generation in "${CLIENTS_JAVA[@]}"; do
        built=$(mktemp -d)
        cp -r "$HERE/clients/spring/." "$built"
        maven "$built" "-P$generation" package
        mv "$built/client/target/client.jar" "$partial/client-$generation.jar"
        mv "$built/registry/target/registry.jar" "$partial/registry-$generation.jar"
        rm -rf "$built"
    done
    mv "$partial" "$(spring_jars)"
}

node_installed() {
    command -v node >/dev/null && command -v npm >/dev/null
}

javascript_modules() {
    echo "$CACHE/javascript-$(fingerprint "$HERE"/clients/javascript/package*.json)"
}

spring_jars() {
    local sources
    mapfile -t sources < <(find "$HERE/clients/spring" -type f -not -path '*/target/*' | LC_ALL=C sort)
    echo "$CACHE/spring-$(fingerprint "${sources[@]}")"
}
