package io.idem.spring;

import io.idem.http.ProblemTexts;
import io.idem.http.ProblemType;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import org.springframework.context.MessageSource;

/**
 * The titles of problems from the messages of the application: {@code
 * idem.problem.key-missing.title} is that of {@link ProblemType#KEY_MISSING}. Where there is no
 * such message in a language, other texts are asked. Thread-safe.
 */
public final class MessageSourceProblemTexts implements ProblemTexts {

  private final MessageSource messages;
  private final ProblemTexts others;

  /**
   * Creates the texts.
   *
   * @param messages the messages; what they fall back to in place of a language they lack is taken
   *     for that language
   * @param others asked for what is not among them
   */
  public MessageSourceProblemTexts(MessageSource messages, ProblemTexts others) {
    this.messages = messages;
    this.others = others;
  }

  @Override
  public @Nullable String title(ProblemType type, Locale locale) {
    String title =
        messages.getMessage("idem.problem." + type.slug() + ".title", null, null, locale);
    return title == null ? others.title(type, locale) : title;
  }
}
