package io.idem.core.internal;

import static org.assertj.core.api.Assertions.assertThat;

import io.idem.core.IdempotentRequest;
import io.idem.core.store.RecordId;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class KeysTest {

  private static final String UUID_V7 = "01890a5d-ac96-774b-bcce-b302099a8057";
  private static final String ULID = "01H45NVB4PEX5VSKNK084SN02Q";

  private static RecordId id(String namespace, String operation, String source, String key) {
    return Keys.id(namespace, operation, IdempotentRequest.of(key).from(source));
  }

  private static RecordId id(String key) {
    return id("shop", "charge", "alice", key);
  }

  /** Stored in databases: these lines never change. */
  @ParameterizedTest
  @CsvSource({
    "order-42, 39a69498f1d693051b45fe23500a688e",
    "é😀, 39de9fbeb018a92d93ee9d74998dbe23",
    UUID_V7 + ", 01890a5dc8063c0591973d347c1b2702",
    ULID + ", 01890b5d1b59a51405af1dba155a6683",
    "8e03978e-40d5-43e8-bc93-6894a57f9324, d1a5ce88fa9c5912bb174952d82459b6"
  })
  void idsAreAStoredFormat(String key, String golden) {
    assertThat(id(key)).hasToString(golden);
  }

  @Test
  void outgoingKeysAreAStoredFormat() {
    UUID key =
        Keys.outgoing("shop", "charge", IdempotentRequest.of("order-42").from("alice"), "capture");
    assertThat(key).hasToString("1adcc337-29a3-8429-9e62-1613bbd24550");
    assertThat(key.version()).isEqualTo(8);
    assertThat(key.variant()).isEqualTo(2);
  }

  @Test
  void noTwoTuplesMeetHoweverTheyAreCut() {
    Set<RecordId> ids = new HashSet<>();
    List<String> parts = List.of("", "a", "b", "ab", "a:b", ":", "a\0", "\0a", "/");
    int tuples = 0;
    for (String namespace : parts) {
      for (String operation : parts) {
        for (String source : parts) {
          for (String key : parts) {
            if (!key.isEmpty()) {
              ids.add(id(namespace, operation, source, key));
              tuples++;
            }
          }
        }
      }
    }
    assertThat(ids).hasSize(tuples);
  }

  @Test
  void caseAccentsWidthAndBlanksTellKeysApart() {
    assertThat(
            Set.of(
                id("abc"),
                id("ABC"),
                id("ábc"),
                id("a\u0301bc"),
                id("abc "),
                id(" abc"),
                id("ａｂｃ"),
                id("abc\0"),
                id("ｱ"),
                id("ア"),
                id("ss"),
                id("ß")))
        .hasSize(12);
    assertThat(id(ULID)).isNotEqualTo(id(ULID.toLowerCase(Locale.ROOT)));
    assertThat(id(UUID_V7)).isNotEqualTo(id(UUID_V7.toUpperCase(Locale.ROOT)));
  }

  @ParameterizedTest
  @ValueSource(strings = {UUID_V7, "01890A5D-AC96-774B-BCCE-B302099A8057"})
  void aVersion7UuidLendsItsTimeToTheId(String key) {
    assertThat(id(key).toString()).startsWith("01890a5d");
  }

  @Test
  void aUlidLendsItsTimeToTheId() {
    assertThat(id("01ARZ3NDEKTSV4RRFFQ69G5FAV").toString()).startsWith("01563e3a"); // 2016
    assertThat(id("7ZZZZZZZZZZZZZZZZZZZZZZZZZ").toString()).startsWith("ffffffff");
    assertThat(id(ULID).toString()).startsWith("01890b5d");
    assertThat(id(ULID.toLowerCase(Locale.ROOT)).toString()).startsWith("01890b5d");
  }

  @Test
  void keysOfTheSameMinuteLieTogetherAndStillDiffer() {
    Set<RecordId> ids = new HashSet<>();
    for (int i = 0; i < 1_000; i++) {
      RecordId id = id("01890a5d-ac96-774b-bcce-%012x".formatted(i));
      assertThat(id.high() >>> 32).isEqualTo(0x01890a5dL);
      ids.add(id);
    }
    assertThat(ids).hasSize(1_000);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "01890a5d-ac96-474b-bcce-b302099a8057", // version 4
        "01890a5d-ac96-774b-bcce-b302099a805g",
        "01890a5d_ac96-774b-bcce-b302099a8057",
        "01890a5dac96-7-74b-bcce-b302099a8057",
        "01890a5d-ac96-774b-bcce-b302099a80５7", // a full-width digit
        "------------------------------------",
        "--------------7---------------------",
        "777777777777777777777777777777777777",
        "81ARZ3NDEKTSV4RRFFQ69G5FAV", // more time than 48 bits hold
        "01ARZ3NDEKTSV4RRFFQ69G5FAI", // no letter of the alphabet
        "01ARZ3NDEKTSV4RRFFQ69G5FAU",
        "01ARZ3NDEKTSV4RRFFQ69G5FAſ", // its upper case is S
        "01ARZ3NDEKTSV4RRFFQ69G5FA１",
        "1ARZ3NDEKTSV4RRFFQ69G5FAV",
        "٠1ARZ3NDEKTSV4RRFFQ69G5FAV"
      })
  void whatOnlyLooksLikeATimeIsDigestedWhole(String key) {
    IdempotentRequest request = IdempotentRequest.of(key);
    assertThat(Keys.id("", "op", request)).isEqualTo(PlainDigest.id("", "op", "", key));
  }

  @Test
  void aSharedKeyIsDigestedWithItsSpaceAndKeepsItsTime() {
    IdempotentRequest request = IdempotentRequest.of("order-42").from("alice");
    assertThat(Keys.sharedId("shop", "payments", request))
        .isEqualTo(PlainDigest.id("shop", "", "payments", "alice", "order-42"));
    String uuid7 = "01890a5d-ac96-774b-bcce-b302099a8057";
    assertThat(Keys.sharedId("shop", "payments", IdempotentRequest.of(uuid7)).high() >>> 32)
        .isEqualTo(0x01890a5dL);
  }

  @Test
  void keysOfEveryLengthHaveAnId() {
    Set<RecordId> ids = new HashSet<>();
    for (int length = 1; length <= IdempotentRequest.MAX_KEY_LENGTH; length++) {
      ids.add(id("7".repeat(length)));
      ids.add(id("é".repeat(length)));
    }
    assertThat(ids).hasSize(2 * IdempotentRequest.MAX_KEY_LENGTH);
  }

  @Test
  void outgoingKeysAreStableAndDistinctForEachStepAndKey() {
    IdempotentRequest request = IdempotentRequest.of("k").from("s");
    UUID key = Keys.outgoing("n", "o", request, "capture");
    assertThat(Keys.outgoing("n", "o", request.comparing("x"), "capture")).isEqualTo(key);
    assertThat(
            Set.of(
                key,
                Keys.outgoing("n", "o", request, "refund"),
                Keys.outgoing("n", "o", request, ""),
                Keys.outgoing("n", "o", IdempotentRequest.of("k2").from("s"), "capture"),
                Keys.outgoing("n", "o", request.from("s2"), "capture"),
                Keys.outgoing("n2", "o", request, "capture"),
                Keys.outgoing("n", "o2", request, "capture"),
                Keys.outgoing("n", "o", IdempotentRequest.of("kc").from("s"), "apture")))
        .hasSize(8);
  }
}
