package io.idem.client;

import static org.assertj.core.api.Assertions.assertThat;

import io.idem.client.CallContract.Caller;
import io.idem.client.CallContract.Reply;
import io.idem.client.ChargeServer.Visits;
import java.time.Duration;

/** How clients behave that follow redirects. */
final class Redirects {

  private Redirects() {}

  static void keepTheKey(CallContract test) throws Exception {
    Visits visits = test.expect();

    assertThat(client(test).call(test.call, "/moved?call=" + test.id, "{}"))
        .isEqualTo(CallContract.ran());
    assertThat(visits.effects).hasValue(1);
    assertThat(visits.keys).containsExactly(test.call.key(), test.call.key());
  }

  static void leadToAResult(CallContract test) throws Exception {
    Visits visits = test.expect();

    assertThat(client(test).call(test.call, "/see-other?call=" + test.id, "{}"))
        .isEqualTo(new CallAnswer.Ran<>(new Reply(200, "GET")));
    assertThat(visits.effects).hasValue(1);
  }

  /** What was carried out is not undone because its receipt cannot be read. */
  static void toWhatCannotBeReadLeaveTheCallUnknown(CallContract test) throws Exception {
    for (int status : new int[] {401, 404, 422}) {
      Visits visits = test.expect();

      CallContract.assertUnknown(
          client(test).call(test.call, "/see-other?call=" + test.id + "&receipt=" + status, "{}"),
          test.call.key());
      assertThat(visits.effects).hasValueGreaterThan(0);
      assertThat(visits.keys).containsOnly(test.call.key());
    }
  }

  private static Caller client(CallContract test) {
    return test.client(CallContract.quick().build(), Duration.ofSeconds(20));
  }
}
