package io.idem.redis.internal;

import io.idem.redis.RedisReplyException;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A form of SET that does the work of a script where the servers have it. Whether they do is looked
 * up, never tried at each call; one that refuses its syntax all the same is believed, once and for
 * all. Thread-safe.
 */
final class PlainForm {

  private static final Logger log = LoggerFactory.getLogger("io.idem.redis");

  private final String form;
  private final String instead;
  private volatile boolean known;
  private volatile boolean refused;

  /**
   * A form that no server is known to take yet.
   *
   * @param form what a log calls it
   * @param instead what is done by script without it
   */
  PlainForm(String form, String instead) {
    this.form = form;
    this.instead = instead;
  }

  /** Says whether all servers are known to take it. */
  void serversTakeIt(boolean known) {
    this.known = known;
  }

  boolean isTaken() {
    return known && !refused;
  }

  /**
   * Looks at a reply to it: a form whose syntax is refused once will be refused again. Other
   * errors, such as those of a proxy that has lost its server, tell nothing of the form.
   */
  void noteRefusal(@Nullable Object reply) {
    if (reply instanceof RedisReplyException e && isAboutSyntax(e) && !refused) {
      refused = true;
      log.info(
          "Redis refuses {}, so keys are {} by script from now on: {}",
          form,
          instead,
          e.getMessage());
    }
  }

  /** In the words of Redis and of what speaks its protocol. */
  private static boolean isAboutSyntax(RedisReplyException error) {
    String reply = String.valueOf(error.getMessage()).toLowerCase(Locale.ROOT);
    return error.is("ERR")
        && (reply.contains("syntax error")
            || reply.contains("wrong number of arguments")
            || reply.contains("unsupported")
            || reply.contains("unknown option")
            || reply.contains("invalid option")
            || reply.contains("invalid argument"));
  }
}
