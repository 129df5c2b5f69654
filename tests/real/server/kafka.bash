# Apache Kafka, one node in KRaft mode, from Maven Central; and with it the two strangers that speak to it in tests: the Java
# application of `twin/` and the Python client `client.py`.

JAVA_PACKAGES=(openjdk-17-jdk-headless maven)

installed_kafka() {
    java_installed && installed_python && [[ -d $(kafka_jars) && -f $(twin_jar) ]]
}

install_kafka() {
    java_installed || packages "${JAVA_PACKAGES[@]}"
    installed_python || install_python
    if [[ ! -d $(kafka_jars) ]]; then
        rm -rf "$CACHE/kafka.partial"
        maven kafka dependency:copy-dependencies -DoutputDirectory="$CACHE/kafka.partial"
        mv "$CACHE/kafka.partial" "$(kafka_jars)"
    fi
    if [[ ! -f $(twin_jar) ]]; then
        local built
        built=$(mktemp -d)
        cp -r "$HERE/twin/." "$built"
        maven "$built" package
        mv "$built/target/twin.jar" "$(twin_jar)"
        rm -rf "$built"
    fi
}

launch_kafka() {
    local data=$STATE/kafka.data
    kafka_properties "$@" >"$STATE/kafka.properties"
    cat >"$STATE/kafka.log4j.properties" <<'PROPERTIES'
log4j.rootLogger=INFO, stdout
log4j.appender.stdout=org.apache.log4j.ConsoleAppender
log4j.appender.stdout.layout=org.apache.log4j.PatternLayout
log4j.appender.stdout.layout.ConversionPattern=%d %p %m (%c)%n
PROPERTIES
    # That it is ready is read from the log of this start.
    if [[ -f $STATE/kafka.log ]]; then
        mv "$STATE/kafka.log" "$STATE/kafka.log.before"
    fi
    if [[ ! -d $data ]]; then
        mkdir -p "$data"
        kafka kafka.tools.StorageTool format -t AAAAAAAAAAAAAAAAAAAAAQ -c "$STATE/kafka.properties" >"$STATE/kafka.format.log" 2>&1 || {
            cat "$STATE/kafka.format.log" >&2
            exit 1
        }
    fi
    running kafka exec_kafka kafka.Kafka "$STATE/kafka.properties"
}

ready_kafka() {
    grep --quiet 'Kafka Server started' "$STATE/kafka.log"
}

addresses_kafka() {
    cat <<EXPORTS
export REAL_KAFKA=127.0.0.1:$1
export REAL_TWIN=$(twin_jar)
export REAL_CLIENT=$HERE/client.py
export REAL_PYTHON=$PYTHON
EXPORTS
}

# kafka_properties PORT CONTROLLER_PORT
kafka_properties() {
    cat <<PROPERTIES
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:$2
listeners=CLIENT://127.0.0.1:$1,CONTROLLER://127.0.0.1:$2
advertised.listeners=CLIENT://127.0.0.1:$1
controller.listener.names=CONTROLLER
inter.broker.listener.name=CLIENT
listener.security.protocol.map=CLIENT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs=$STATE/kafka.data
num.partitions=1
auto.create.topics.enable=false
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=1
group.initial.rebalance.delay.ms=0
broker.heartbeat.interval.ms=500
broker.session.timeout.ms=2000
PROPERTIES
}

kafka() {
    (exec_kafka "$@")
}

exec_kafka() {
    exec java -Xmx512m -Dlog4j.configuration="file:$STATE/kafka.log4j.properties" -cp "$(kafka_jars)/*" "$@"
}

# A folder for each text of the file that names the version.
kafka_jars() {
    echo "$CACHE/kafka-$(fingerprint "$HERE/kafka/pom.xml")"
}

# A file for each state of its sources.
twin_jar() {
    local sources
    mapfile -t sources < <(find "$HERE/twin" -type f -not -path '*/target/*' | LC_ALL=C sort)
    echo "$CACHE/twin-$(fingerprint "${sources[@]}").jar"
}

fingerprint() {
    cat "$@" | sha256sum | cut -c -12
}

java_installed() {
    command -v java >/dev/null && command -v mvn >/dev/null
}

# maven FOLDER GOAL OPTION…
maven() {
    local folder=$1
    shift
    (cd "$HERE" && cd "$folder" && mvn --quiet --batch-mode -Dmaven.repo.local="$CACHE/maven" "$@" >&2)
}
