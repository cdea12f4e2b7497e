namespace Latchkey.Bench;

/// <summary>nginx as one would set it up to serve files fast; connections are kept for as long as the others keep them.</summary>
static class Nginx
{
    public static string Configuration(string work, string directory, int port) => $$"""
        daemon off;
        user {{Environment.UserName}};
        pid {{work}}/nginx.pid;
        error_log stderr error;
        worker_processes auto;
        events { worker_connections 4096; }
        http {
          access_log off;
          sendfile on;
          tcp_nopush on;
          keepalive_requests 1000000000;
          default_type application/octet-stream;
          client_body_temp_path {{work}}/nginx-temp;
          proxy_temp_path {{work}}/nginx-temp;
          fastcgi_temp_path {{work}}/nginx-temp;
          uwsgi_temp_path {{work}}/nginx-temp;
          scgi_temp_path {{work}}/nginx-temp;
          server {
            listen 127.0.0.1:{{port}};
            root {{directory}};
          }
        }
        """;
}
