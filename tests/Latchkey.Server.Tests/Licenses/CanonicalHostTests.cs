using CsCheck;
using Latchkey.Server.Licenses;

namespace Latchkey.Server.Tests.Licenses;

public sealed class CanonicalHostTests
{
    [Theory]
    // scheme, path, port, case, final dot, www
    [InlineData("example.com", "example.com")]
    [InlineData("Example.COM", "example.com")]
    [InlineData("http://example.com", "example.com")]
    [InlineData("https://www.example.com/shop/", "example.com")]
    [InlineData("HTTPS://Example.com", "example.com")]
    [InlineData("//example.com/x", "example.com")]
    [InlineData("ftp://example.com/file", "example.com")]
    [InlineData("svn+ssh://example.com", "example.com")]
    [InlineData("a-b://example.com", "example.com")]
    [InlineData("a.b://example.com", "example.com")]
    [InlineData("a1://example.com", "example.com")]
    [InlineData("example.com:?x", "example.com")]
    [InlineData("example.com:8443", "example.com")]
    [InlineData("example.com:", "example.com")]
    [InlineData("example.com:65535", "example.com")]
    [InlineData("https://example.com:8443/a:b@c", "example.com")]
    [InlineData("example.com.", "example.com")]
    [InlineData("example.com.:80", "example.com")]
    [InlineData("example.com/", "example.com")]
    [InlineData("example.com?x=1", "example.com")]
    [InlineData("example.com#top", "example.com")]
    [InlineData("https://user:secret@example.com/", "example.com")]
    [InlineData("user@example.com", "example.com")]
    [InlineData("a@b@example.com", "example.com")]
    [InlineData("www.example.com", "example.com")]
    [InlineData("WWW.EXAMPLE.COM.", "example.com")]
    [InlineData("www.www.example.com", "example.com")]
    [InlineData("www2.example.com", "www2.example.com")]
    [InlineData("wwwexample.com", "wwwexample.com")]
    [InlineData("shop.www.example.com", "shop.www.example.com")]
    [InlineData("www", "www")]
    [InlineData("localhost", "localhost")]
    [InlineData("localhost:3000", "localhost")]
    [InlineData("a.b.c.d.example.co.uk", "a.b.c.d.example.co.uk")]
    [InlineData("my-site.example", "my-site.example")]
    [InlineData("a--b.example", "a--b.example")]
    [InlineData("ab--cd.example", "ab--cd.example")]
    [InlineData("123.example.com", "123.example.com")]
    [InlineData("1and1.com", "1and1.com")]
    // international names, UTS-46
    [InlineData("Über.de", "xn--ber-goa.de")]
    [InlineData("über.de", "xn--ber-goa.de")]
    [InlineData("u\u0308ber.de", "xn--ber-goa.de")]
    [InlineData("XN--BER-GOA.de", "xn--ber-goa.de")]
    [InlineData("https://www.Über.de:443/ü", "xn--ber-goa.de")]
    [InlineData("straße.de", "xn--strae-oqa.de")]
    [InlineData("例え.テスト", "xn--r8jz45g.xn--zckzah")]
    [InlineData("例え。テスト", "xn--r8jz45g.xn--zckzah")]
    [InlineData("ＥＸＡＭＰＬＥ.com", "example.com")]
    [InlineData("ex\u00ADample.com", "example.com")]
    [InlineData("пример.рф", "xn--e1afmkfd.xn--p1ai")]
    // addresses, shortest form
    [InlineData("127.0.0.1", "127.0.0.1")]
    [InlineData("http://127.0.0.1:8080/", "127.0.0.1")]
    [InlineData("127.1", "127.0.0.1")]
    [InlineData("0x7f000001", "127.0.0.1")]
    [InlineData("2130706433", "127.0.0.1")]
    [InlineData("192.168.0.1.", "192.168.0.1")]
    [InlineData("１２７.０.０.１", "127.0.0.1")]
    [InlineData("[2001:DB8:0:0:0:0:0:1]", "2001:db8::1")]
    [InlineData("[2001:db8::1]:8443", "2001:db8::1")]
    [InlineData("https://[2001:db8::1]/x", "2001:db8::1")]
    [InlineData("2001:0db8::0001", "2001:db8::1")]
    [InlineData("::1", "::1")]
    [InlineData("[::ffff:192.0.2.1]", "192.0.2.1")]
    public void Reads_many_spellings_as_one_host(string spelling, string canonical) => Assert.Equal(canonical, CanonicalHost.Of(spelling));

    [Theory]
    [InlineData("")]
    [InlineData(" ")]
    [InlineData(".")]
    [InlineData("..")]
    [InlineData(".example.com")]
    [InlineData("example..com")]
    [InlineData("example.com..")]
    [InlineData("exa mple.com")]
    [InlineData(" example.com")]
    [InlineData("example.com ")]
    [InlineData("example.com\n")]
    [InlineData("exa\tmple.com")]
    [InlineData("example.com\0")]
    [InlineData("exa\u001bmple.com")]
    [InlineData("-example.com")]
    [InlineData("example-.com")]
    [InlineData("exam_ple.com")]
    [InlineData("*.example.com")]
    [InlineData("example.*")]
    [InlineData("exa%6dple.com")]
    [InlineData("example.com:port")]
    [InlineData("example.com:65536")]
    [InlineData("example.com:-1")]
    [InlineData("http://")]
    [InlineData("https:///path")]
    [InlineData("https://@/")]
    [InlineData("https:/example.com")]
    [InlineData("/x@example.com")]
    [InlineData("?x@example.com")]
    [InlineData(":80")]
    [InlineData("1a://example.com")]
    [InlineData("\u0378.com")]
    [InlineData("]")]
    [InlineData("example.com\\@evil.com")]
    [InlineData("1.2.3.4.5")]
    [InlineData("256.1.1.1")]
    [InlineData("1.2.3")]
    [InlineData("foo.1")]
    [InlineData("foo.0x4")]
    [InlineData("www.1.2.3.4")]
    [InlineData("1.2.3.4.:x")]
    [InlineData("[::1")]
    [InlineData("[::1]x")]
    [InlineData("[::1]:99999")]
    [InlineData("[1.2.3.4]")]
    [InlineData("fe80::1%eth0")]
    [InlineData("[fe80::1%25eth0]")]
    [InlineData(":::")]
    [InlineData("1::2::3")]
    [InlineData("xn--")]
    [InlineData("xn--a")]
    [InlineData("xn--zzzzzz9999.de")]
    [InlineData("\u202Eexample.com")]
    [InlineData("ex\uD800ample.com")]
    [InlineData("a/../example.com\0")]
    [InlineData("<script>.com")]
    [InlineData("' or 1=1 --")]
    public void Refuses_what_is_no_host_name(string text)
    {
        // "1.2.3" and "a/../…" are hosts to a browser: an address in short form, and a label before a path.
        var expected = text switch { "1.2.3" => "1.2.0.3", "a/../example.com\0" => "a", _ => null };
        Assert.Equal(expected, CanonicalHost.Of(text));
    }

    [Fact]
    public void Bounds_the_name_at_253_and_each_label_at_63()
    {
        var label = new string('a', 63);
        Assert.NotNull(CanonicalHost.Of(label + ".com"));
        Assert.Null(CanonicalHost.Of(label + "a.com"));
        var longest = string.Join('.', label, label, label, new string('b', 61));
        Assert.Equal(253, longest.Length);
        Assert.Equal(longest, CanonicalHost.Of(longest));
        Assert.Equal(longest, CanonicalHost.Of(longest + "."));
        Assert.Null(CanonicalHost.Of(longest + "b"));
        Assert.Equal("example.com", CanonicalHost.Of("https://example.com/" + new string('x', 2028)));
        Assert.Null(CanonicalHost.Of("https://example.com/" + new string('x', 2029)));
    }

    [Theory]
    [InlineData("*.example.com", "shop.example.com", true)]
    [InlineData("*.example.com", "a.b.example.com", true)]
    [InlineData("*.example.com", "a.example.com", true)]
    [InlineData("*.example.com", ".example.com", false)]
    [InlineData("*.example.com", "example.com", false)]
    [InlineData("*.example.com", "notexample.com", false)]
    [InlineData("*.example.com", "example.com.evil.com", false)]
    [InlineData("example.com", "example.com", true)]
    [InlineData("example.com", "shop.example.com", false)]
    public void A_wildcard_covers_any_depth_but_not_the_name_itself(string pattern, string host, bool covered) =>
        Assert.Equal(covered, CanonicalHost.Covers(pattern, host));

    [Theory]
    [InlineData("*.Example.com", "*.example.com")]
    [InlineData("*.Über.de.", "*.xn--ber-goa.de")]
    [InlineData("*.www.example.com", "*.www.example.com")]
    [InlineData("https://www.example.com", "example.com")]
    [InlineData("*", null)]
    [InlineData("*.", null)]
    [InlineData("*.*.example.com", null)]
    [InlineData("*.127.0.0.1", null)]
    [InlineData("*.example.com:80", null)]
    [InlineData("shop.*.example.com", null)]
    public void Reads_wildcards_only_in_front(string text, string? pattern) => Assert.Equal(pattern, CanonicalHost.OfPattern(text));

    // Texts that look like hosts more often than chance would have it.
    static readonly Gen<string> Spellings = Gen.OneOf(
        Gen.String,
        Gen.String[Gen.Char["abcwxnABC019.-:/@[]*%_ \u00fc\u00df\u0130\u200d\u3002\uff0e\u0660"], 0, 40],
        Gen.OneOf(new[] { "www.", "xn--", "https://", "0x", "1.", "::", "\u00fc", ".", "a" }.Select(part => Gen.Const(part)).ToArray()).Array[0, 12].Select(string.Concat));

    [Fact]
    public void Is_idempotent_and_never_throws() => Spellings.Sample(
        text => CanonicalHost.Of(text) is not { } once || CanonicalHost.Of(once) == once, iter: 200_000);

    [Fact]
    public void What_comes_out_is_a_host_name_or_an_address() => Spellings.Sample(
        text => CanonicalHost.Of(text) is not { } host
            || System.Net.IPAddress.TryParse(host, out _)
            || (host.Length <= 253 && host.Split('.').All(label => label.Length is >= 1 and <= 63
                && label.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '-')
                && label[0] != '-' && label[^1] != '-')),
        iter: 200_000);
}
