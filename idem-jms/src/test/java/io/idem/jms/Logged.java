package io.idem.jms;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import java.util.List;
import org.slf4j.LoggerFactory;

/** What an adapter logs. */
final class Logged implements AutoCloseable {

  private final Logger logger = (Logger) LoggerFactory.getLogger("io.idem.jms");
  private final ListAppender<ILoggingEvent> events = new ListAppender<>();

  Logged() {
    logger.setLevel(Level.WARN);
    events.start();
    logger.addAppender(events);
  }

  /** The warnings about one destination that say that a message is parked. */
  List<String> parked(String destination) {
    synchronized (events) { // as appending is
      return events.list.stream()
          .filter(event -> event.getLevel() == Level.WARN)
          .map(ILoggingEvent::getFormattedMessage)
          .filter(text -> text.contains(" of " + destination + " cannot be consumed by "))
          .toList();
    }
  }

  /** The warnings that say something of messages of one destination. */
  List<String> of(String destination, String something) {
    synchronized (events) {
      return events.list.stream()
          .map(ILoggingEvent::getFormattedMessage)
          .filter(text -> text.contains(destination) && text.contains(something))
          .toList();
    }
  }

  @Override
  public void close() {
    logger.detachAppender(events);
  }
}
