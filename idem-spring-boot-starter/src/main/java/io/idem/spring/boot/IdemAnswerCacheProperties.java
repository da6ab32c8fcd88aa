package io.idem.spring.boot;

import java.time.Duration;
import org.springframework.util.unit.DataSize;

/** The properties {@code idem.answer-cache.*}. */
public class IdemAnswerCacheProperties {

  /** How many bytes of completed answers are kept in this process. Zero for none. */
  private DataSize maxSize = DataSize.ofBytes(0);

  /** How long an answer is kept in this process at most. */
  private Duration maxAge = Duration.ofMinutes(10);

  /** Creates the properties with their defaults. */
  public IdemAnswerCacheProperties() {}

  /**
   * How many bytes of completed answers are kept in this process. Zero for none.
   *
   * @return zero by default
   */
  public DataSize getMaxSize() {
    return maxSize;
  }

  /**
   * How many bytes of completed answers are kept in this process. Zero for none.
   *
   * @param maxSize zero or more
   */
  public void setMaxSize(DataSize maxSize) {
    this.maxSize = maxSize;
  }

  /**
   * How long an answer is kept in this process at most.
   *
   * @return 10 minutes by default
   */
  public Duration getMaxAge() {
    return maxAge;
  }

  /**
   * How long an answer is kept in this process at most.
   *
   * @param maxAge more than zero
   */
  public void setMaxAge(Duration maxAge) {
    this.maxAge = maxAge;
  }
}
