// setAutoCommit(false) makes a transaction of the first statement, which one way out of
// the method neither commits nor rolls back.
import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import java.sql.Connection;
import java.sql.SQLException;
import javax.sql.DataSource;

public class HikariOpenTransaction {
    static DataSource pool() {
        HikariConfig config = new HikariConfig();
        config.setJdbcUrl(String.format("jdbc:postgresql://%s:%s/%s?ApplicationName=%s",
                System.getenv("PGHOST"), System.getenv("PGPORT"), System.getenv("PGDATABASE"),
                System.getenv("PGAPPNAME")));
        config.setUsername(System.getenv("PGUSER"));
        config.setMaximumPoolSize(5);
        return new HikariDataSource(config);
    }

    static void pay(DataSource pool, int order) throws SQLException {
        Connection connection = pool.getConnection();
        connection.setAutoCommit(false);
        var update = connection.prepareStatement("UPDATE orders SET status = 'paid' WHERE id = ? /*route='/orders/pay'*/");
        update.setInt(1, order);
        if (update.executeUpdate() == 1) {
            return; // paid already, it was meant to say
        }
        connection.commit();
        connection.close();
    }

    public static void main(String[] arguments) throws Exception {
        DataSource pool = pool();
        pay(pool, 801);
        pay(pool, 802);
        System.out.println("ready");
        System.in.transferTo(System.err);
        System.exit(0);
    }
}
