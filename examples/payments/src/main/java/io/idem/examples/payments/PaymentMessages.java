package io.idem.examples.payments;

import io.idem.jms.JmsMessages;
import io.idem.spring.Idempotent;
import jakarta.jms.TextMessage;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBooleanProperty;
import org.springframework.http.HttpStatus;
import org.springframework.jms.annotation.JmsListener;
import org.springframework.jms.core.JmsTemplate;
import org.springframework.messaging.handler.annotation.Header;
import org.springframework.security.core.Authentication;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.ResponseStatus;
import org.springframework.web.bind.annotation.RestController;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Payments by message: the JSON of the endpoint, the caller in a property, and the key that the
 * caller would send with a request.
 */
@RestController
@ConditionalOnBooleanProperty("payments.messages")
class PaymentMessages {

  static final String QUEUE = "payments";

  /** Whoever may send to the queue is trusted with this. */
  static final String CALLER_PROPERTY = "caller";

  private final KeyedPayments payments;
  private final JmsTemplate messages;
  private final JsonMapper json;

  PaymentMessages(KeyedPayments payments, JmsTemplate messages, JsonMapper json) {
    this.payments = payments;
    this.messages = messages;
    this.json = json;
  }

  /** Two callers may choose the same key: the message is known by both. */
  @JmsListener(destination = QUEUE, concurrency = "1-4")
  @Idempotent(
      operation = "payment-message",
      key = "{#message.getStringProperty('caller'), #message.getStringProperty('idempotency_key')}")
  public void pay(
      String body,
      @Header(CALLER_PROPERTY) String caller,
      @Header(JmsMessages.KEY_PROPERTY) String key) {
    payments.pay(caller, key, PaymentRequest.from(json.readTree(body)));
  }

  /** Sends a payment as a message, each time anew: what comes of it is the listener's. */
  @PostMapping("/api/payment-messages")
  @ResponseStatus(HttpStatus.ACCEPTED)
  void send(@RequestParam String key, @RequestBody JsonNode body, Authentication caller) {
    PaymentRequest.from(body);
    if (key.isBlank()) {
      throw new PaymentRejected.Invalid("'key' must not be empty.");
    }
    messages.send(
        QUEUE,
        session -> {
          TextMessage message = session.createTextMessage(body.toString());
          message.setStringProperty(CALLER_PROPERTY, caller.getName());
          return JmsMessages.stamp(message, key);
        });
  }
}
