package io.idem.redis.internal;

import static org.assertj.core.api.Assertions.assertThat;

import io.idem.redis.RedisReplyException;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PlainFormTest {

  private final PlainForm form = new PlainForm("SET with a condition", "written");

  @BeforeEach
  void theServersTakeIt() {
    form.serversTakeIt(true);
  }

  @ParameterizedTest
  @ValueSource(strings = {"ERR syntax error", "ERR wrong number of arguments for 'set' command"})
  void aRefusalOfItsSyntaxIsBelieved(String reply) {
    form.noteRefusal(new RedisReplyException(reply, null));

    assertThat(form.isTaken()).isFalse();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "ERR max number of clients reached",
        "ERR server connection lost",
        "LOADING Redis is loading the dataset in memory"
      })
  void whatPassesTellsNothingOfTheForm(String reply) {
    form.noteRefusal(new RedisReplyException(reply, null));

    assertThat(form.isTaken()).isTrue();
  }
}
