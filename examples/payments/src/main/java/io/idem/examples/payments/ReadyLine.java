package io.idem.examples.payments;

import java.net.InetAddress;
import org.springframework.boot.context.event.ApplicationReadyEvent;
import org.springframework.boot.web.server.WebServer;
import org.springframework.boot.web.server.autoconfigure.ServerProperties;
import org.springframework.boot.web.server.context.WebServerApplicationContext;
import org.springframework.context.event.EventListener;
import org.springframework.stereotype.Component;

/** Prints where the service answers, once it does: the line that scripts wait for. */
@Component
class ReadyLine {

  private final ServerProperties server;

  ReadyLine(ServerProperties server) {
    this.server = server;
  }

  @EventListener
  void print(ApplicationReadyEvent event) {
    if (event.getApplicationContext() instanceof WebServerApplicationContext context) {
      WebServer webServer = context.getWebServer();
      if (webServer != null) {
        System.out.println("ready http://" + host() + ":" + webServer.getPort());
      }
    }
  }

  /**
   * The address as a client writes it: a server bound to every interface is reached at loopback.
   */
  private String host() {
    InetAddress address = server.getAddress();
    if (address == null || address.isAnyLocalAddress()) {
      return "127.0.0.1";
    }
    String host = address.getHostAddress();
    return host.contains(":") ? "[" + host + "]" : host;
  }
}
