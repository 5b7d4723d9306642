// HikariCP as it comes: ten connections, made at the start and kept, of which this
// service needs one now and then.
import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import java.sql.Connection;
import java.sql.SQLException;
import javax.sql.DataSource;

public class HikariDefault {
    static volatile boolean goesOn = true;

    static HikariDataSource pool() {
        HikariConfig config = new HikariConfig();
        config.setJdbcUrl(String.format("jdbc:postgresql://%s:%s/%s?ApplicationName=%s",
                System.getenv("PGHOST"), System.getenv("PGPORT"), System.getenv("PGDATABASE"),
                System.getenv("PGAPPNAME")));
        config.setUsername(System.getenv("PGUSER"));
        return new HikariDataSource(config);
    }

    static void serve(DataSource pool) {
        try {
            while (goesOn) {
                try (Connection connection = pool.getConnection()) {
                    connection.createStatement().executeQuery("SELECT count(*) FROM orders");
                }
                Thread.sleep(100);
            }
        } catch (SQLException | InterruptedException e) {
            System.out.println("lost " + e.getMessage());
            System.exit(1);
        }
    }

    public static void main(String[] arguments) throws Exception {
        HikariDataSource pool = pool();
        Thread service = new Thread(() -> serve(pool));
        service.start();
        System.out.println("ready");
        System.in.transferTo(System.err);
        goesOn = false;
        service.join();
        pool.close();
        System.out.println("done");
    }
}
