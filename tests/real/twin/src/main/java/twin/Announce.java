package twin;

import org.springframework.messaging.Message;

/** Sends an alert to the topic, in one of the styles. */
public interface Announce {

    void announce(Message<Alert> message);
}
