<?php
// Verifies a license and downloads the product's file. Needs PHP 8 with curl.
//   php latchkey.php KEY DOMAIN FILE
declare(strict_types=1);

const LATCHKEY_URL = '__URL__';
const LATCHKEY_PRODUCT = __PRODUCT_ID__;

function latchkey_ask(string $method, string $path, string $key, string $domain): object
{
    $curl = curl_init(LATCHKEY_URL . $path);
    curl_setopt_array($curl, [
        CURLOPT_CUSTOMREQUEST => $method,
        CURLOPT_HTTPHEADER => ["Authorization: Bearer $key", "X-Domain: $domain", 'X-Product-ID: ' . LATCHKEY_PRODUCT],
        CURLOPT_RETURNTRANSFER => true,
        CURLOPT_TIMEOUT => 30,
    ]);
    $body = curl_exec($curl);
    if ($body === false) throw new RuntimeException(curl_error($curl));
    $answer = json_decode($body);
    if (!($answer->success ?? false)) throw new RuntimeException(($answer->error_code ?? 'UNKNOWN') . ': ' . ($answer->message ?? 'no JSON came back'));
    return $answer->data;
}

/** What is newer than the version that runs here: ->entitled says whether this license may have it. */
function latchkey_update(string $key, string $domain, string $version): object
{
    return latchkey_ask('GET', '/api/license/update?version=' . rawurlencode($version), $key, $domain);
}

/** Streams the file to disk, and compares its hash before it is used. */
function latchkey_download(string $key, string $domain, string $file): void
{
    $link = latchkey_ask('POST', '/api/license/download', $key, $domain);
    $part = fopen("$file.part", 'wb');
    $curl = curl_init($link->download_url);
    curl_setopt_array($curl, [
        CURLOPT_FILE => $part,
        CURLOPT_FAILONERROR => true,
        CURLOPT_FOLLOWLOCATION => true,
        CURLOPT_LOW_SPEED_LIMIT => 1,
        CURLOPT_LOW_SPEED_TIME => 30,
    ]);
    $done = curl_exec($curl);
    fclose($part);
    if (!$done) throw new RuntimeException(curl_error($curl));
    if (hash_file('sha256', "$file.part") !== $link->sha256) throw new RuntimeException('The download is incomplete or damaged');
    rename("$file.part", $file);
}

if ($argc !== 4) {
    fwrite(STDERR, "usage: php $argv[0] KEY DOMAIN FILE\n");
    exit(2);
}
[, $key, $domain, $file] = $argv;
try {
    $license = latchkey_ask('GET', '/api/license/verify', $key, $domain);
    echo "The license is good for $license->domain\n";
    latchkey_download($key, $domain, $file);
    echo "$file: " . filesize($file) . " bytes\n";
} catch (RuntimeException $failure) {
    fwrite(STDERR, $failure->getMessage() . "\n");
    exit(1);
}
