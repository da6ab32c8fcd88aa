package io.idem.client.restclient;

import io.idem.client.ReceivedAnswer;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.SequenceInputStream;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpStatusCode;
import org.springframework.http.client.ClientHttpResponse;

/** A response whose beginning can be read twice. */
final class ReadableResponse implements ClientHttpResponse {

  private final ClientHttpResponse response;
  private @Nullable InputStream again;

  ReadableResponse(ClientHttpResponse response) {
    this.response = response;
  }

  ReceivedAnswer answer() throws IOException {
    int status = response.getStatusCode().value();
    byte[] beginning = null;
    if (ReceivedAnswer.wantsBody(status)) {
      InputStream body = response.getBody();
      beginning = body.readNBytes(ReceivedAnswer.MOST_BODY_BYTES);
      again = new SequenceInputStream(new ByteArrayInputStream(beginning), body);
    }
    return ReceivedAnswer.of(status, response.getHeaders()::getFirst, beginning);
  }

  @Override
  public InputStream getBody() throws IOException {
    return again == null ? response.getBody() : again;
  }

  @Override
  public HttpHeaders getHeaders() {
    return response.getHeaders();
  }

  @Override
  public HttpStatusCode getStatusCode() throws IOException {
    return response.getStatusCode();
  }

  @Override
  public String getStatusText() throws IOException {
    return response.getStatusText();
  }

  @Override
  public void close() {
    response.close();
  }
}
