package io.idem.http.internal;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

/** What is used again says the same as what is new. */
class Sha256Test {

  /** FIPS 180-4, example of SHA-256 for one block. */
  private static final String OF_ABC =
      "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

  private static final byte[] ABC = "abc".getBytes(StandardCharsets.UTF_8);

  @Test
  void aDigestThatIsGivenBackIsEmptyForTheNext() {
    Sha256 first = Sha256.take();
    first.string("something else, through the buffer").raw(new byte[1_000], 0, 1_000).finish();
    first.giveBack();

    Sha256 next = Sha256.take();

    assertThat(next).isSameAs(first); // nobody else is on this thread
    assertThat(next.raw(ABC, 0, ABC.length).hex()).isEqualTo(OF_ABC);
    next.giveBack();
  }

  @Test
  void nobodyHasADigestThatAnotherHas() {
    Sha256.take().giveBack(); // so that there is one to use again
    Sha256 outer = Sha256.take().tag('a');
    Sha256 inner = Sha256.take();

    assertThat(inner).isNotSameAs(outer);
    assertThat(inner.raw(ABC, 0, ABC.length).hex()).isEqualTo(OF_ABC);
    assertThat(outer.raw(ABC, 1, ABC.length).hex()).isEqualTo(OF_ABC);
  }
}
