// SPDX-License-Identifier: Apache-2.0
// Apache Cassandra's own Java driver against a server that is stopped, killed and started: `java -cp JARS JavaDriver.java HOST PORT`.
// Says "flowing" when statements succeed; a line on the input asks again, its end asks for the account: what was acknowledged is there.
import com.datastax.oss.driver.api.core.CqlSession;
import com.datastax.oss.driver.api.core.DriverException;
import com.datastax.oss.driver.api.core.cql.PreparedStatement;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;

public class JavaDriver {
  static final int ENOUGH = 100;

  static void eventually(String what, BooleanSupplier condition) throws InterruptedException {
    long deadline = System.nanoTime() + Duration.ofSeconds(30).toNanos();
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() > deadline) throw new AssertionError("still not: " + what);
      Thread.sleep(10); // what it waits for happens on threads and sockets of others
    }
  }

  // Inserts rows until told to stop; a row whose fate is unknown is left behind, as an application would that gives its users an error.
  static void write(CqlSession session, PreparedStatement insert, Set<Integer> acknowledged, AtomicBoolean stopping) {
    for (int id = 0; !stopping.get(); ++id) {
      try {
        session.execute(insert.bind(id, "v" + id));
        acknowledged.add(id);
      } catch (DriverException away) {
        LockSupport.parkNanos(5_000_000); // nobody is there, and it says so at once
      }
    }
  }

  public static void main(String[] args) throws Exception {
    // Its defaults in all else: it is the driver that comes back by itself.
    try (var session = CqlSession.builder().addContactPoint(new InetSocketAddress(args[0], Integer.parseInt(args[1])))
                           .withLocalDatacenter("datacenter1").build()) {
      session.execute("CREATE KEYSPACE ks WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}");
      session.execute("CREATE TABLE ks.t (id int PRIMARY KEY, v text)");
      var insert = session.prepare("INSERT INTO ks.t (id, v) VALUES (?, ?)");
      var select = session.prepare("SELECT v FROM ks.t WHERE id = ?");
      Set<Integer> acknowledged = ConcurrentHashMap.newKeySet();
      var stopping = new AtomicBoolean();
      var writer = new Thread(() -> write(session, insert, acknowledged, stopping));
      writer.start();
      var input = new BufferedReader(new InputStreamReader(System.in));
      try {
        do {
          final int before = acknowledged.size();
          eventually("rows are acknowledged", () -> acknowledged.size() >= before + ENOUGH);
          if (session.execute("SELECT release_version FROM system.local").one() == null) throw new AssertionError("no answer to a simple statement");
          int one = acknowledged.iterator().next();
          if (!session.execute(select.bind(one)).one().getString("v").equals("v" + one)) throw new AssertionError("another value in row " + one);
          System.out.println("flowing");
        } while (input.readLine() != null);
      } finally {
        stopping.set(true);
        writer.join();
      }
      for (var row : session.execute("SELECT id, v FROM ks.t")) { // in pages
        int id = row.getInt("id");
        if (!("v" + id).equals(row.getString("v"))) throw new AssertionError("another value in row " + id);
        acknowledged.remove(id);
      }
      if (!acknowledged.isEmpty()) throw new AssertionError(acknowledged.size() + " acknowledged rows are missing, such as " + acknowledged.iterator().next());
      System.out.println("done");
    }
  }
}
