using System.Text.RegularExpressions;
using AngleSharp.Html.Parser;
using CsCheck;
using Latchkey.Server.Products;

namespace Latchkey.Server.Tests.Products;

/// <summary>Whatever somebody writes as notes is harmless as HTML, as a browser reads it.</summary>
public sealed partial class ReleaseNotesTests
{
    static readonly HashSet<string> Tags = ["html", "head", "body", "h1", "h2", "h3", "h4", "h5", "h6", "p", "br", "hr", "ul", "ol", "li", "blockquote", "pre", "code", "em", "strong", "a", "table", "thead", "tbody", "tr", "th", "td"];

    static readonly Gen<string> Notes = Gen.OneOf(
        Gen.String[0, 200],
        Gen.OneOf(new[]
        {
            "<script>", "</script>", "<img src=x onerror=alert(1)>", "[a](javascript:alert(1))", "[a](<java\nscript:x>)", "[a]: data:text/html,x\n", "<https://a.b>", "[x](//evil)", "[x](https:page)", "![i](http://a/b)",
            "# ", "- ", "> ", "`", "```\n", "*", "_", "|a|b|\n|-|-|\n", "\n", "\n\n", "&lt;", "&#x6a;", "\u0000", "\u202e", "<svg/onload=x>", "<!--", "-->", "\"", "'", "(", ")", "[", "]", "http://x.y", "mailto:a@b", " ", "a",
        }.Select(part => Gen.Const(part)).ToArray()).Array[0, 40].Select(string.Concat));

    [Fact]
    public void Nothing_but_plain_elements_and_whole_links_comes_out() => Notes.Sample(
        notes =>
        {
            var read = ReleaseNotes.Read(notes);
            Assert.True(read.Fault is null || read.Text.Html.Length == 0);
            foreach (var element in new HtmlParser().ParseDocument(read.Text.Html).All)
            {
                Assert.Contains(element.LocalName, Tags);
                foreach (var attribute in element.Attributes) Assert.True(attribute.Name == "start" || (attribute.Name == "href" && WholeLink().IsMatch(attribute.Value)), $"{attribute.Name}=\"{attribute.Value}\"");
            }
        },
        iter: 3000);

    [GeneratedRegex(@"\A(https?://[^/\\]|mailto:)", RegexOptions.IgnoreCase)]
    private static partial Regex WholeLink();
}
