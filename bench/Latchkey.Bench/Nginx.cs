namespace Latchkey.Bench;

/// <summary>nginx as one would set it up to serve files fast; connections are kept for as long as the others keep them.</summary>
static class Nginx
{
    public static string Configuration(string work, string directory, int port) => $$"""
        {{Head(work, "nginx")}}
        http {
          sendfile on;
          tcp_nopush on;
          {{Common(work)}}
          server {
            listen 127.0.0.1:{{port}};
            root {{directory}};
          }
        }
        """;

    /// <summary>In front of nodes, with connections that are kept.</summary>
    public static string Balancer(string work, string name, int[] nodes, int port) => $$"""
        {{Head(work, name)}}
        http {
          {{Common(work)}}
          upstream latchkey {
            {{string.Concat(nodes.Select(node => string.Create(System.Globalization.CultureInfo.InvariantCulture, $"server 127.0.0.1:{node};")))}}
            keepalive 64;
            keepalive_requests 1000000000;
          }
          server {
            listen 127.0.0.1:{{port}};
            location / {
              proxy_pass http://latchkey;
              proxy_http_version 1.1;
              proxy_set_header Connection "";
              proxy_next_upstream off;
            }
          }
        }
        """;

    static string Head(string work, string name) => $$"""
        daemon off;
        user {{Environment.UserName}};
        pid {{work}}/{{name}}.pid;
        error_log stderr error;
        worker_processes auto;
        events { worker_connections 4096; }
        """;

    static string Common(string work) => $"""
        access_log off;
        keepalive_requests 1000000000;
        default_type application/octet-stream;
        client_body_temp_path {work}/nginx-temp;
        proxy_temp_path {work}/nginx-temp;
        fastcgi_temp_path {work}/nginx-temp;
        uwsgi_temp_path {work}/nginx-temp;
        scgi_temp_path {work}/nginx-temp;
        """;
}
