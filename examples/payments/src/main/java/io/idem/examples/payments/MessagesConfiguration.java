package io.idem.examples.payments;

import org.apache.activemq.artemis.api.core.SimpleString;
import org.apache.activemq.artemis.core.settings.impl.AddressSettings;
import org.springframework.boot.artemis.autoconfigure.ArtemisConfigurationCustomizer;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBooleanProperty;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/** The message server in this process, which forgets its messages when the service ends. */
@Configuration(proxyBeanMethods = false)
@ConditionalOnBooleanProperty("payments.messages")
class MessagesConfiguration {

  /** Where payments end that are refused, such as for want of funds, as often as they come. */
  static final String DEAD = "payments.dead";

  private static final int MAX_DELIVERIES = 3;
  private static final long REDELIVERY_DELAY_MILLIS = 200;

  @Bean
  ArtemisConfigurationCustomizer deliveries() {
    AddressSettings settings =
        new AddressSettings()
            .setMaxDeliveryAttempts(MAX_DELIVERIES)
            .setRedeliveryDelay(REDELIVERY_DELAY_MILLIS)
            .setDeadLetterAddress(SimpleString.of(DEAD));
    return configuration ->
        configuration
            .setJMXManagementEnabled(false)
            .addAddressSetting(PaymentMessages.QUEUE, settings);
  }
}
