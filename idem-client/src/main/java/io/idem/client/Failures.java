package io.idem.client;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.net.ConnectException;
import java.net.NoRouteToHostException;
import java.net.SocketTimeoutException;
import java.net.UnknownHostException;
import java.net.http.HttpConnectTimeoutException;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.UnresolvedAddressException;
import java.util.Set;
import java.util.concurrent.TimeoutException;
import javax.net.ssl.SSLHandshakeException;
import javax.net.ssl.SSLPeerUnverifiedException;

/** What the failure of an attempt says. */
enum Failures {
  /** There was no connection; perhaps there is one later. */
  NOT_CONNECTED,
  /** The server is not who it should be, and will not become so. */
  NOT_TRUSTED,
  /** The request may have arrived, the answer did not. */
  NO_ANSWER,
  /** Whoever waited for the answer was told to stop. */
  STOPPED,
  /** No failure of the exchange: a mistake, or an exception of another part of the client. */
  OTHER;

  /**
   * Apache's, which are of the kind of what happens after a request was sent: a connection that
   * takes too long, and a pool that has none to give.
   */
  private static final Set<String> WITHOUT_CONNECTION =
      Set.of(
          "ConnectTimeoutException",
          "ConnectionRequestTimeoutException",
          "ConnectionPoolTimeoutException");

  static Failures of(Throwable failure) {
    if (WITHOUT_CONNECTION.contains(failure.getClass().getSimpleName())) {
      return NOT_CONNECTED;
    } else if (failure instanceof InterruptedException
        || failure instanceof ClosedByInterruptException
        || (failure instanceof InterruptedIOException
            && !(failure instanceof SocketTimeoutException))) {
      return STOPPED;
    } else if (failure instanceof SSLHandshakeException
        || failure instanceof SSLPeerUnverifiedException) {
      return NOT_TRUSTED;
    } else if (failure instanceof ConnectException
        || failure instanceof HttpConnectTimeoutException
        || failure instanceof NoRouteToHostException
        || failure instanceof UnknownHostException
        || failure instanceof UnresolvedAddressException) {
      return NOT_CONNECTED;
    } else if (failure instanceof IOException || failure instanceof TimeoutException) {
      return NO_ANSWER;
    }
    return OTHER;
  }
}
