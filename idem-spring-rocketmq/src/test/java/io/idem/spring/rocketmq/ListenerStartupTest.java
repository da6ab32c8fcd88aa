package io.idem.spring.rocketmq;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.idem.core.Attempt;
import io.idem.core.Idempotency;
import io.idem.rocketmq.ParkedMessages;
import io.idem.spring.EnableIdempotency;
import io.idem.spring.IdempotencySetupException;
import io.idem.spring.Idempotent;
import java.time.Duration;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.spring.annotation.ConsumeMode;
import org.apache.rocketmq.spring.annotation.MessageModel;
import org.apache.rocketmq.spring.annotation.RocketMQMessageListener;
import org.apache.rocketmq.spring.autoconfigure.RocketMQAutoConfiguration;
import org.apache.rocketmq.spring.core.RocketMQListener;
import org.apache.rocketmq.spring.core.RocketMQPushConsumerLifecycleListener;
import org.apache.rocketmq.spring.core.RocketMQReplyListener;
import org.assertj.core.api.InstanceOfAssertFactories;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.springframework.boot.WebApplicationType;
import org.springframework.boot.autoconfigure.ImportAutoConfiguration;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Import;
import org.springframework.core.NestedExceptionUtils;

/** What of a listener is refused before it is given a message; no broker is needed for it. */
class ListenerStartupTest {

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "Broadcasting | is broadcasting",
        "Replying     | replies with a String",
        "Unparked     | has no place for messages that can never be consumed",
        "ParkingHere  | parks in that topic itself",
        "ParkingAway  | cannot park in the topic 'not a topic'",
        "OwnListener  | is not the container's own",
        "GivingUp     | its neighbours would be given up with it",
        "Patient      | waits for busy messages as long as its consumeTimeout of PT1M",
        "NotCalled    | is not the method that the container calls",
        "Attempted    | is not the method that the container calls",
        "Sourced      | do not apply: source, caller.",
        "Misspelt     | refers to #order",
      })
  void whatCannotHoldIsRefused(String listener, String reason) throws Exception {
    Class<?> type = Class.forName(ListenerStartupTest.class.getName() + "$" + listener);

    assertThatThrownBy(() -> start(Application.class, type))
        .extracting(NestedExceptionUtils::getMostSpecificCause, InstanceOfAssertFactories.THROWABLE)
        .isInstanceOf(IdempotencySetupException.class)
        .hasMessageContaining(reason);
  }

  @Test
  void severalBeansThatParkAreNoChoice() {
    assertThatThrownBy(() -> start(Application.class, TwoPlaces.class, Plain.class))
        .extracting(NestedExceptionUtils::getMostSpecificCause, InstanceOfAssertFactories.THROWABLE)
        .isInstanceOf(IdempotencySetupException.class)
        .hasMessageContainingAll("elsewhere, toPayments", "Plain.onMessage", "@Primary");
    assertThatThrownBy(() -> start(Application.class, TwoPlaces.class, ParkingHere.class))
        .extracting(NestedExceptionUtils::getMostSpecificCause, InstanceOfAssertFactories.THROWABLE)
        .as("chosen by a customizer, and refused for another reason")
        .hasMessageContaining("parks in that topic itself");
  }

  @Test
  void listenersThatNothingReadsAreRefused() {
    assertThatThrownBy(() -> start(Unread.class, Plain.class))
        .extracting(NestedExceptionUtils::getMostSpecificCause, InstanceOfAssertFactories.THROWABLE)
        .isInstanceOf(IdempotencySetupException.class)
        .hasMessageContaining("rocketmq-spring-boot-starter");
  }

  private static void start(Class<?>... sources) {
    new SpringApplicationBuilder(sources)
        .web(WebApplicationType.NONE)
        .logStartupInfo(false)
        .properties("rocketmq.name-server=127.0.0.1:1", "logging.level.root=OFF")
        .run()
        .close();
  }

  @Configuration(proxyBeanMethods = false)
  @EnableIdempotency
  @Import(IdempotentRocketMqConfiguration.class)
  static class Unread {

    @Bean(destroyMethod = "close")
    Idempotency idempotency() {
      return Idempotency.inMemory();
    }
  }

  @Configuration(proxyBeanMethods = false)
  @Import(Unread.class)
  @ImportAutoConfiguration(RocketMQAutoConfiguration.class)
  static class Application {

    @Bean
    InboxSettingsCustomizer settings() {
      return (settings, listener) ->
          switch (listener.getDeclaringClass().getSimpleName()) {
            case "Patient" -> settings.waitForBusy(Duration.ofMinutes(1), 1);
            case "ParkingHere" -> settings.parkTo("t");
            case "ParkingAway" -> settings.parkTo("not a topic");
            default -> settings;
          };
    }
  }

  @Configuration(proxyBeanMethods = false)
  static class TwoPlaces {

    @Bean
    ParkedMessages toPayments() {
      return (message, why) -> {};
    }

    @Bean
    ParkedMessages elsewhere() {
      return (message, why) -> {};
    }
  }

  @RocketMQMessageListener(topic = "t", consumerGroup = "g")
  static class Plain implements RocketMQListener<String> {
    @Override
    @Idempotent
    public void onMessage(String value) {}
  }

  @RocketMQMessageListener(
      topic = "t",
      consumerGroup = "g",
      messageModel = MessageModel.BROADCASTING)
  static class Broadcasting implements RocketMQListener<String> {
    @Override
    @Idempotent
    public void onMessage(String value) {}
  }

  @RocketMQMessageListener(topic = "t", consumerGroup = "g")
  static class Replying implements RocketMQReplyListener<String, String> {
    @Override
    @Idempotent
    public String onMessage(String value) {
      return value;
    }
  }

  @RocketMQMessageListener(topic = "t", consumerGroup = "g", consumeMode = ConsumeMode.ORDERLY)
  static class Unparked implements RocketMQListener<String> {
    @Override
    @Idempotent
    public void onMessage(String value) {}
  }

  @RocketMQMessageListener(topic = "t", consumerGroup = "g")
  static class ParkingHere implements RocketMQListener<String> {
    @Override
    @Idempotent
    public void onMessage(String value) {}
  }

  @RocketMQMessageListener(topic = "t", consumerGroup = "g")
  static class ParkingAway implements RocketMQListener<String> {
    @Override
    @Idempotent
    public void onMessage(String value) {}
  }

  @RocketMQMessageListener(topic = "t", consumerGroup = "g")
  static class OwnListener
      implements RocketMQListener<String>, RocketMQPushConsumerLifecycleListener {
    @Override
    @Idempotent
    public void onMessage(String value) {}

    @Override
    public void prepareStart(DefaultMQPushConsumer consumer) {
      consumer.registerMessageListener(
          (MessageListenerConcurrently)
              (messages, context) -> ConsumeConcurrentlyStatus.CONSUME_SUCCESS);
    }
  }

  @RocketMQMessageListener(topic = "t", consumerGroup = "g", delayLevelWhenNextConsume = -1)
  static class GivingUp implements RocketMQListener<String>, RocketMQPushConsumerLifecycleListener {
    @Override
    @Idempotent
    public void onMessage(String value) {}

    @Override
    public void prepareStart(DefaultMQPushConsumer consumer) {
      consumer.setConsumeMessageBatchMaxSize(2);
    }
  }

  @RocketMQMessageListener(topic = "t", consumerGroup = "g", consumeTimeout = 1)
  static class Patient implements RocketMQListener<String> {
    @Override
    @Idempotent
    public void onMessage(String value) {}
  }

  @RocketMQMessageListener(topic = "t", consumerGroup = "g")
  static class NotCalled implements RocketMQListener<String> {
    @Override
    public void onMessage(String value) {}

    @Idempotent
    public void onMessage(Integer value) {}
  }

  @RocketMQMessageListener(topic = "t", consumerGroup = "g")
  static class Attempted implements RocketMQListener<String> {
    @Override
    public void onMessage(String value) {}

    @Idempotent
    public void onMessage(String value, Attempt attempt) {}
  }

  @RocketMQMessageListener(topic = "t", consumerGroup = "g")
  static class Sourced implements RocketMQListener<String> {
    @Override
    @Idempotent(source = "#payload", caller = Idempotent.Caller.SHARED)
    public void onMessage(String value) {}
  }

  @RocketMQMessageListener(topic = "t", consumerGroup = "g")
  static class Misspelt implements RocketMQListener<String> {
    @Override
    @Idempotent(key = "#order")
    public void onMessage(String value) {}
  }
}
