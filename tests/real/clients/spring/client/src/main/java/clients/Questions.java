package clients;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

import com.netflix.appinfo.ApplicationInfoManager;
import com.netflix.appinfo.InstanceInfo;
import org.springframework.cloud.client.discovery.DiscoveryClient;
import org.springframework.cloud.context.refresh.ContextRefresher;
import org.springframework.cloud.netflix.eureka.EurekaServiceInstance;
import org.springframework.core.env.Environment;
import org.springframework.stereotype.Component;
import org.springframework.web.client.RestTemplate;

/** What a test may ask of the service, or have it do. */
@Component
class Questions {

    private final DiscoveryClient discovery;
    private final RestTemplate balanced;
    private final Environment environment;
    private final ContextRefresher refresher;
    private final ApplicationInfoManager own;

    Questions(
        DiscoveryClient discovery,
        RestTemplate balanced,
        Environment environment,
        ContextRefresher refresher,
        ApplicationInfoManager own
    ) {
        this.discovery = discovery;
        this.balanced = balanced;
        this.environment = environment;
        this.refresher = refresher;
        this.own = own;
    }

    Object answer(String... question) {
        return switch (question[0]) {
            case "instances" -> instances(question[1]);
            case "call" -> call(question[1], question[2]);
            case "properties" -> properties(Arrays.copyOfRange(question, 1, question.length));
            case "refresh" -> refresher.refresh();
            case "status" -> status(question[1]);
            default -> throw new IllegalArgumentException("nobody knows how to " + question[0]);
        };
    }

    /** The instances of a service by their ids. */
    private Map<String, Object> instances(String service) {
        var instances = new TreeMap<String, Object>();
        for (var instance : discovery.getInstances(service)) {
            instances.put(instance.getInstanceId(), Map.of(
                "host", instance.getHost(),
                "port", instance.getPort(),
                "status", ((EurekaServiceInstance) instance).getInstanceInfo().getStatus().name(),
                "metadata", instance.getMetadata()
            ));
        }
        return instances;
    }

    /** Asks an instance of a service, whichever the load balancer chooses. */
    private Object call(String service, String path) {
        return balanced.getForObject("http://" + service + path, Map.class);
    }

    private List<String> properties(String[] keys) {
        var values = new ArrayList<String>();
        for (var key : keys) {
            values.add(environment.getProperty(key));
        }
        return values;
    }

    private Map<String, String> status(String status) {
        own.setInstanceStatus(InstanceInfo.InstanceStatus.valueOf(status));
        return new HashMap<>(Map.of("status", own.getInfo().getStatus().name()));
    }
}
