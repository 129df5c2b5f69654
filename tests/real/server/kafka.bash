# Apache Kafka, one node in KRaft mode, from Maven Central; and with it the two strangers that speak to it in tests: the Java
# application of `twin/` and the Python client `client.py`.
#
# Beside its plain listener it has one with a login (LOGIN), one with TLS (TLS), one with TLS that wants a certificate of the client
# (MUTUAL), and one with TLS and a login (SECURE). Their ports and certificates are made at the first start.

JAVA_PACKAGES=(openjdk-17-jdk-headless maven)
KAFKA_MODULES=org.apache.kafka.common.security
# The one user, by any mechanism; the password is that of the keys, too.
KAFKA_USER=alice
KAFKA_PASSWORD=wonderland

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
    if [[ ! -d $(kafka_secure) ]]; then
        mkdir -p "$(kafka_secure)"
        kafka_secure_ports >"$(kafka_secure)/ports"
        (
            cd "$(kafka_secure)"
            kafka_certificates
        )
    fi
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
        kafka kafka.tools.StorageTool format -t AAAAAAAAAAAAAAAAAAAAAQ -c "$STATE/kafka.properties" \
            --add-scram "SCRAM-SHA-256=[name=$KAFKA_USER,password=$KAFKA_PASSWORD]" \
            --add-scram "SCRAM-SHA-512=[name=$KAFKA_USER,password=$KAFKA_PASSWORD]" >"$STATE/kafka.format.log" 2>&1 || {
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
    local login tls mutual secure
    read -r login tls mutual secure <"$(kafka_secure)/ports"
    cat <<EXPORTS
export REAL_KAFKA=127.0.0.1:$1
export REAL_KAFKA_SASL=127.0.0.1:$login
export REAL_KAFKA_TLS=127.0.0.1:$tls
export REAL_KAFKA_MUTUAL_TLS=127.0.0.1:$mutual
export REAL_KAFKA_TLS_SASL=127.0.0.1:$secure
export REAL_KAFKA_CERTIFICATES=$(kafka_secure)
export REAL_KAFKA_USER=$KAFKA_USER
export REAL_KAFKA_PASSWORD=$KAFKA_PASSWORD
export REAL_TWIN=$(twin_jar)
export REAL_CLIENT=$HERE/client.py
export REAL_PYTHON=$PYTHON
EXPORTS
}

# kafka_properties PORT CONTROLLER_PORT
kafka_properties() {
    local login tls mutual secure listeners
    read -r login tls mutual secure <"$(kafka_secure)/ports"
    listeners=CLIENT://127.0.0.1:$1,LOGIN://127.0.0.1:$login,TLS://127.0.0.1:$tls
    listeners+=,MUTUAL://127.0.0.1:$mutual,SECURE://127.0.0.1:$secure
    cat <<PROPERTIES
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:$2
listeners=$listeners,CONTROLLER://127.0.0.1:$2
advertised.listeners=$listeners
controller.listener.names=CONTROLLER
inter.broker.listener.name=CLIENT
listener.security.protocol.map=CLIENT:PLAINTEXT,LOGIN:SASL_PLAINTEXT,TLS:SSL,MUTUAL:SSL,SECURE:SASL_SSL,CONTROLLER:PLAINTEXT
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
ssl.keystore.type=PEM
ssl.keystore.location=$(kafka_secure)/server.pem
ssl.truststore.type=PEM
ssl.truststore.location=$(kafka_secure)/authority.pem
listener.name.mutual.ssl.client.auth=required
PROPERTIES
    kafka_logins login PLAIN,SCRAM-SHA-256,SCRAM-SHA-512
    kafka_logins secure PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER
    cat <<PROPERTIES
listener.name.secure.oauthbearer.sasl.jaas.config=$KAFKA_MODULES.oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="kafka";
listener.name.secure.oauthbearer.sasl.server.callback.handler.class=$KAFKA_MODULES.oauthbearer.internals.unsecured.OAuthBearerUnsecuredValidatorCallbackHandler
PROPERTIES
}

# kafka_logins LISTENER MECHANISMS
kafka_logins() {
    cat <<PROPERTIES
listener.name.$1.sasl.enabled.mechanisms=$2
listener.name.$1.plain.sasl.jaas.config=$KAFKA_MODULES.plain.PlainLoginModule required user_$KAFKA_USER="$KAFKA_PASSWORD";
listener.name.$1.scram-sha-256.sasl.jaas.config=$KAFKA_MODULES.scram.ScramLoginModule required;
listener.name.$1.scram-sha-512.sasl.jaas.config=$KAFKA_MODULES.scram.ScramLoginModule required;
PROPERTIES
}

# Where the ports and the certificates are.
kafka_secure() {
    echo "$STATE/kafka.secure.data"
}

# Four free ports that no other server has been given. All of them are given theirs at the same time.
kafka_secure_ports() {
    local name ports tried=0
    for name in "${SERVERS[@]}"; do
        until [[ -s $STATE/$name.ports ]]; do
            if ((++tried > PATIENCE)); then
                echo "$name was given no ports, see $STATE" >&2
                return 1
            fi
            sleep 0.1
        done
    done
    ports=$(free_ports 4)
    while grep --quiet --word-regexp "${ports// /\\|}" "$STATE"/*.ports; do
        ports=$(free_ports 4)
    done
    echo "$ports"
}

# Makes, in this folder: authority.pem, which signs; stranger.pem, which signs nothing; server.pem; and a client's certificate,
# signed by an authority that authority.pem has signed, in the forms that clients take.
kafka_certificates() {
    printf '[req]\ndistinguished_name=name\n[name]\n' >openssl.cnf
    local signs=basicConstraints=critical,CA:TRUE own=basicConstraints=critical,CA:FALSE
    kafka_certificate authority -addext "$signs"
    kafka_certificate stranger -addext "$signs"
    kafka_certificate server -CA authority.pem -CAkey authority.key -addext "$own" -addext subjectAltName=DNS:localhost,IP:127.0.0.1
    kafka_certificate between -CA authority.pem -CAkey authority.key -addext "$signs"
    kafka_certificate client -CA between.pem -CAkey between.key -addext "$own"
    cat server.key >>server.pem
    cat between.pem >>client.pem
    cat client.key client.pem >client.both.pem
    openssl pkcs8 -topk8 -in client.key -passout "pass:$KAFKA_PASSWORD" -out client.locked.key
    openssl pkcs12 -export -in client.pem -inkey client.key -passout "pass:$KAFKA_PASSWORD" -out client.p12
}

# kafka_certificate NAME OPTION…: makes NAME.key and NAME.pem.
kafka_certificate() {
    local name=$1
    shift
    openssl req -x509 -config openssl.cnf -newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc -days 30 -subj "/CN=$name" \
        -keyout "$name.key" -out "$name.pem" "$@" 2>>openssl.log || {
        cat openssl.log >&2
        exit 1
    }
}

kafka() {
    (exec_kafka "$@")
}

# Without the second compiler it is warm after seconds, and takes no core from what is tested for the first minutes.
exec_kafka() {
    exec java -Xmx512m -XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Dlog4j.configuration="file:$STATE/kafka.log4j.properties" -cp "$(kafka_jars)/*" "$@"
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
