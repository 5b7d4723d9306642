// A healthy HikariCP pool: try-with-resources gives connections back, whatever happens.
import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import javax.sql.DataSource;

public class HikariHealthy {
    static volatile boolean goesOn = true;

    static DataSource pool() {
        HikariConfig config = new HikariConfig();
        config.setJdbcUrl(String.format("jdbc:postgresql://%s:%s/%s?ApplicationName=%s",
                System.getenv("PGHOST"), System.getenv("PGPORT"), System.getenv("PGDATABASE"),
                System.getenv("PGAPPNAME")));
        config.setUsername(System.getenv("PGUSER"));
        config.setMaximumPoolSize(4);
        config.setLeakDetectionThreshold(60_000); // logs who took a connection and keeps it
        return new HikariDataSource(config);
    }

    static void pay(DataSource pool, int order) throws SQLException {
        try (Connection connection = pool.getConnection()) {
            connection.setAutoCommit(false);
            try (var select = connection.prepareStatement("SELECT status FROM orders WHERE id = ? FOR UPDATE");
                 var update = connection.prepareStatement("UPDATE orders SET status = 'paid' WHERE id = ?")) {
                select.setInt(1, order);
                select.executeQuery().close();
                think(20);
                update.setInt(1, order);
                update.executeUpdate();
            }
            connection.commit();
        } // without a commit, HikariCP rolls back
    }

    static void fail(DataSource pool) {
        try (Connection connection = pool.getConnection()) {
            connection.setAutoCommit(false);
            connection.createStatement().execute("SELECT 1 / 0");
            connection.commit();
        } catch (SQLException expected) {
            // the connection is back in the pool, its transaction is not open any more
        }
    }

    static void think(int milliseconds) {
        try {
            Thread.sleep(milliseconds);
        } catch (InterruptedException e) {
            goesOn = false;
        }
    }

    static void work(DataSource pool, int worker) {
        try {
            for (int turn = 0; goesOn; turn++) {
                pay(pool, 300 + worker * 10 + turn % 10);
                fail(pool);
                think(30);
            }
        } catch (SQLException e) {
            System.out.println("lost " + e.getMessage());
            System.exit(1);
        }
    }

    public static void main(String[] arguments) throws Exception {
        DataSource pool = pool();
        List<Thread> workers = new ArrayList<>();
        for (int i = 0; i < 6; i++) {
            int worker = i;
            workers.add(new Thread(() -> work(pool, worker)));
        }
        workers.forEach(Thread::start);
        System.out.println("ready");
        System.in.transferTo(System.err);
        goesOn = false;
        for (Thread worker : workers) {
            worker.join();
        }
        ((HikariDataSource) pool).close();
        System.out.println("done");
    }
}
