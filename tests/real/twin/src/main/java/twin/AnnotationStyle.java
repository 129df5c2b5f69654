package twin;

import org.springframework.cloud.stream.annotation.EnableBinding;
import org.springframework.cloud.stream.annotation.Input;
import org.springframework.cloud.stream.annotation.Output;
import org.springframework.cloud.stream.annotation.StreamListener;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Profile;
import org.springframework.messaging.Message;
import org.springframework.messaging.MessageChannel;
import org.springframework.messaging.SubscribableChannel;

/** Bindings as interfaces and annotations, the tutorial's own style. */
@Configuration
@Profile("annotation")
@EnableBinding(AnnotationStyle.Channels.class)
@SuppressWarnings("deprecation")
public class AnnotationStyle {

    /** The two ends. */
    public interface Channels {
        String IN = "binding-in-store-alert";
        String OUT = "binding-out-store-alert";

        @Input(IN)
        SubscribableChannel in();

        @Output(OUT)
        MessageChannel out();
    }

    private final Handled handled;

    AnnotationStyle(Handled handled) {
        this.handled = handled;
    }

    @Bean
    Announce announce(Channels channels) {
        return message -> channels.out().send(message);
    }

    @StreamListener(Channels.IN)
    void handle(Message<Alert> message) {
        handled.add(message);
    }
}
