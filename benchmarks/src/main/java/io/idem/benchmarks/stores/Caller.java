package io.idem.benchmarks.stores;

/** One thread's work, called again and again. It has what it needs, a connection for example. */
@FunctionalInterface
interface Caller {

  /** Does it once more. */
  void call() throws Exception;
}
