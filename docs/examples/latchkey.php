<?php
// Verifies a license, mints a link, downloads the file, compares its hash. Needs PHP 8 with curl.
//   php latchkey.php URL KEY DOMAIN PRODUCT FILE
declare(strict_types=1);

final class Refused extends RuntimeException
{
    public function __construct(public readonly string $errorCode, string $message)
    {
        parent::__construct("$errorCode: $message");
    }
}

final class Latchkey
{
    public function __construct(private string $url, private string $key, private string $domain, private int $product)
    {
    }

    public function verify(): object
    {
        return $this->ask('GET', '/api/license/verify');
    }

    /** Streams the file to disk; what is half there is resumed. */
    public function download(string $file): void
    {
        $link = $this->ask('POST', '/api/license/download');
        $etag = '';
        @unlink("$file.part");
        foreach ([0, 5, 35] as $pause) {
            sleep($pause);
            $have = is_file("$file.part") ? filesize("$file.part") : 0;
            if ($this->fetch($link->download_url, "$file.part", $have, $etag)) break;
        }
        if (hash_file('sha256', "$file.part") !== $link->sha256) throw new RuntimeException('The download is incomplete or damaged');
        rename("$file.part", $file);
    }

    private function ask(string $method, string $path): object
    {
        $curl = curl_init($this->url . $path);
        curl_setopt_array($curl, [
            CURLOPT_CUSTOMREQUEST => $method,
            CURLOPT_HTTPHEADER => ["Authorization: Bearer $this->key", "X-Domain: $this->domain", "X-Product-ID: $this->product"],
            CURLOPT_RETURNTRANSFER => true,
            CURLOPT_TIMEOUT => 30,
        ]);
        $body = curl_exec($curl);
        if ($body === false) throw new RuntimeException(curl_error($curl));
        $answer = json_decode($body);
        if (!($answer->success ?? false)) throw new Refused($answer->error_code ?? 'UNKNOWN', $answer->message ?? 'no JSON came back');
        return $answer->data;
    }

    /** True when the answer came through to its end. It may come from the vendor's store, which names the file by an ETag of its own. */
    private function fetch(string $url, string $part, int $have, string &$etag): bool
    {
        $curl = curl_init($url);
        $out = null;
        curl_setopt_array($curl, [
            CURLOPT_FAILONERROR => true,
            CURLOPT_FOLLOWLOCATION => true,
            CURLOPT_LOW_SPEED_LIMIT => 1,
            CURLOPT_LOW_SPEED_TIME => 30,
            CURLOPT_HTTPHEADER => $have > 0 ? ["Range: bytes=$have-", "If-Range: $etag"] : [],
            CURLOPT_HEADERFUNCTION => function ($curl, string $line) use (&$etag): int {
                if (preg_match('/^etag: *(\S+)/i', $line, $found)) $etag = $found[1];
                return strlen($line);
            },
            CURLOPT_WRITEFUNCTION => function ($curl, string $bytes) use (&$out, $part): int {
                $out ??= fopen($part, curl_getinfo($curl, CURLINFO_RESPONSE_CODE) === 206 ? 'ab' : 'wb');
                return fwrite($out, $bytes);
            },
        ]);
        $done = curl_exec($curl);
        if ($out !== null) fclose($out);
        clearstatcache();
        return $done;
    }
}

if ($argc !== 6) {
    fwrite(STDERR, "usage: php $argv[0] URL KEY DOMAIN PRODUCT FILE\n");
    exit(2);
}
try {
    $latchkey = new Latchkey($argv[1], $argv[2], $argv[3], (int) $argv[4]);
    echo "Licensed for {$latchkey->verify()->domain}\n";
    $latchkey->download($argv[5]);
    echo "$argv[5]: " . filesize($argv[5]) . " bytes\n";
} catch (RuntimeException $failure) {
    fwrite(STDERR, $failure->getMessage() . "\n");
    exit(1);
}
