package io.idem.spring.boot;

import org.springframework.boot.context.properties.ConfigurationProperties;

/** The properties {@code idem.jms.*}. */
@ConfigurationProperties("idem.jms")
public class IdemJmsProperties {

  /**
   * The queue for messages that can never be consumed, such as those without a key. Empty to roll
   * them back until the server puts them among its dead letters.
   */
  private String parkingQueue = "";

  /** Creates the properties with their defaults. */
  public IdemJmsProperties() {}

  /**
   * The queue for messages that can never be consumed.
   *
   * @return its name; empty for none
   */
  public String getParkingQueue() {
    return parkingQueue;
  }

  /**
   * Sets the queue for messages that can never be consumed.
   *
   * @param parkingQueue its name; empty for none
   */
  public void setParkingQueue(String parkingQueue) {
    this.parkingQueue = parkingQueue;
  }
}
