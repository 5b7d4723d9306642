// A connection is taken from a HikariCP pool for each request, and never given back.
import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import java.sql.Connection;
import java.sql.SQLException;
import javax.sql.DataSource;

public class HikariForgotten {
    static DataSource pool() {
        HikariConfig config = new HikariConfig();
        config.setJdbcUrl(String.format("jdbc:postgresql://%s:%s/%s?ApplicationName=%s",
                System.getenv("PGHOST"), System.getenv("PGPORT"), System.getenv("PGDATABASE"),
                System.getenv("PGAPPNAME")));
        config.setUsername(System.getenv("PGUSER"));
        config.setMaximumPoolSize(15);
        return new HikariDataSource(config);
    }

    static String statusOf(DataSource pool, int order) throws SQLException {
        Connection connection = pool.getConnection(); // no try-with-resources, no close()
        var select = connection.prepareStatement("SELECT status FROM orders WHERE id = ?");
        select.setInt(1, order);
        var rows = select.executeQuery();
        rows.next();
        return rows.getString(1);
    }

    public static void main(String[] arguments) throws Exception {
        DataSource pool = pool();
        for (int order = 1; order <= 15; order++) {
            statusOf(pool, order);
        }
        System.out.println("ready");
        System.in.transferTo(System.err);
        System.exit(0);
    }
}
