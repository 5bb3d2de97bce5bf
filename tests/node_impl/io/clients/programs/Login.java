import com.alibaba.nacos.api.NacosFactory;
import com.alibaba.nacos.api.PropertyKeyConst;
import com.alibaba.nacos.api.naming.NamingService;
import com.alibaba.nacos.api.naming.pojo.Instance;
import java.util.Properties;

/** Logs in, and registers one instance; says whether it was taken. */
public class Login {
    public static void main(String[] arguments) throws Exception {
        Properties properties = new Properties();
        properties.put(PropertyKeyConst.SERVER_ADDR, arguments[0]);
        properties.put(PropertyKeyConst.USERNAME, "nacos");
        properties.put(PropertyKeyConst.PASSWORD, arguments[1]);
        NamingService naming = NacosFactory.createNamingService(properties);
        Instance one = new Instance();
        one.setIp("10.0.0.1");
        one.setPort(80);
        one.setEphemeral(false);
        boolean isTaken = true;
        try {
            naming.registerInstance("web", one);
        } catch (Exception refusal) {
            System.err.println(refusal);
            isTaken = false;
        }
        System.out.println(isTaken ? "True" : "False");
        System.out.flush();
        Runtime.getRuntime().halt(0);
    }
}
