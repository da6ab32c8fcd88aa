package io.idem.servlet;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayInputStream;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A body is what its stream holds, whatever its request says of its length. */
class BoundedBodyTest {

  @ParameterizedTest
  @CsvSource({
    "0, 10, 0", "0, 10, 5", "0, 10, -1", "0, 0, 0", "0, 0, -1",
    "5, 10, 5", "5, 10, 3", "5, 10, 8", "5, 10, 0", "5, 10, -1",
    "10, 10, 10", "10, 10, 3", "10, 10, 9", "10, 10, -1", "10, 10, 0",
    "20000, 20000, 20000", "20000, 20000, 8192", "20000, 30000, 8193", "20000, 30000, 100"
  })
  void allIsReadThatIsThere(int size, int maxBytes, int expected) throws Exception {
    byte[] body = body(size);

    assertThat(BoundedBody.read(new ByteArrayInputStream(body), maxBytes, expected))
        .isEqualTo(body);
  }

  @ParameterizedTest
  @CsvSource({
    "1, 0, 0",
    "1, 0, -1",
    "11, 10, 10",
    "11, 10, 3",
    "11, 10, 9",
    "11, 10, 0",
    "11, 10, -1",
    "500, 10, 4",
    "20001, 20000, 20000",
    "20001, 20000, 8192",
    "20001, 20000, 1"
  })
  void moreThanTheBoundIsNotRead(int size, int maxBytes, int expected) throws Exception {
    ByteArrayInputStream in = new ByteArrayInputStream(body(size));

    assertThat(BoundedBody.read(in, maxBytes, expected)).isNull();
    assertThat(size - in.available()).as("bytes read").isLessThanOrEqualTo(maxBytes + 1);
  }

  private static byte[] body(int size) {
    byte[] body = new byte[size];
    new Random(size).nextBytes(body);
    return body;
  }
}
