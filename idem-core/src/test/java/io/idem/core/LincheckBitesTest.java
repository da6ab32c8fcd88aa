package io.idem.core;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jetbrains.kotlinx.lincheck.LinChecker;
import org.jetbrains.kotlinx.lincheck.LincheckAssertionError;
import org.jetbrains.kotlinx.lincheck.annotations.Operation;
import org.jetbrains.kotlinx.lincheck.annotations.Param;
import org.jetbrains.kotlinx.lincheck.paramgen.IntGen;
import org.junit.jupiter.api.Test;

/**
 * What {@link InMemoryStoreLincheckTest} would say of a store that looks before it writes, under
 * the same bounds.
 */
@Param(name = "key", gen = IntGen.class, conf = "0:1")
@Param(name = "token", gen = IntGen.class, conf = "0:2")
public class LincheckBitesTest {

  private final Map<Integer, Integer> owners = new ConcurrentHashMap<>();

  /** The owner of the key after a claim. */
  @Operation
  public int claim(@Param(name = "key") int key, @Param(name = "token") int token) {
    Integer owner = owners.get(key);
    if (owner == null) {
      owners.put(key, token);
      return token;
    }
    return owner;
  }

  @Operation
  public boolean release(@Param(name = "key") int key, @Param(name = "token") int token) {
    return owners.remove(key, token);
  }

  @Test
  void checkThenInsertIsFound() {
    assertThatThrownBy(() -> LinChecker.check(getClass(), InMemoryStoreLincheckTest.bounds()))
        .isInstanceOf(LincheckAssertionError.class);
  }
}
