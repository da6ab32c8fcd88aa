package io.idem.spring.boot;

import org.springframework.boot.context.properties.ConfigurationProperties;

/** The properties {@code idem.rocketmq.*}. */
@ConfigurationProperties("idem.rocketmq")
public class IdemRocketMqProperties {

  /**
   * The topic for messages that can never be consumed, such as those without a key. Empty to hand
   * them back until the broker puts them among the group's dead letters, which orderly listeners
   * cannot do.
   */
  private String parkingTopic = "";

  /** Creates the properties with their defaults. */
  public IdemRocketMqProperties() {}

  /**
   * The topic for messages that can never be consumed.
   *
   * @return its name; empty for none
   */
  public String getParkingTopic() {
    return parkingTopic;
  }

  /**
   * Sets the topic for messages that can never be consumed.
   *
   * @param parkingTopic its name; empty for none
   */
  public void setParkingTopic(String parkingTopic) {
    this.parkingTopic = parkingTopic;
  }
}
