package io.idem.core.internal;

/** Throws what the compiler cannot follow: the body's own exceptions, through the store. */
final class Sneaky {

  private Sneaky() {}

  /** Never returns; the return type lets callers write {@code throw sneaky(e)}. */
  static RuntimeException sneaky(Throwable failure) {
    throw Sneaky.<RuntimeException>unchecked(failure);
  }

  @SuppressWarnings({"unchecked", "TypeParameterUnusedInFormals"}) // erased: the whole point
  private static <X extends Throwable> X unchecked(Throwable failure) throws X {
    throw (X) failure;
  }
}
