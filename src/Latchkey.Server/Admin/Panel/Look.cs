using MudBlazor;

namespace Latchkey.Server.Admin.Panel;

/// <summary>Ink on paper and brass by day, the same metals by night. Every text is at least 4.5:1 on what lies below it.</summary>
static class Look
{
    static readonly string[] Sans = ["system-ui", "-apple-system", "Segoe UI", "Roboto", "Noto Sans", "Cantarell", "sans-serif"];

    public static readonly MudTheme Light = With(":root");
    public static readonly MudTheme Dark = With(":root[data-theme='dark']");

    static MudTheme With(string scope) => new()
    {
        PseudoCss = new PseudoCss { Scope = scope },
        PaletteLight = Day(),
        PaletteDark = Night(),
        Typography = Type(),
        LayoutProperties = new LayoutProperties { DefaultBorderRadius = "6px", AppbarHeight = "52px", DrawerWidthLeft = "216px" },
    };

    static PaletteLight Day() => new()
    {
        Primary = "#1f5f5b",
        PrimaryContrastText = "#ffffff",
        Secondary = "#7a5410",
        SecondaryContrastText = "#ffffff",
        Tertiary = "#4a4f8c",
        TertiaryContrastText = "#ffffff",
        Info = "#1f5a8a",
        InfoContrastText = "#ffffff",
        Success = "#2a6a35",
        SuccessContrastText = "#ffffff",
        Warning = "#8a5200",
        WarningContrastText = "#ffffff",
        Error = "#a8262b",
        ErrorContrastText = "#ffffff",
        Dark = "#2b2f2e",
        TextPrimary = "#1d2221",
        TextSecondary = "#56605d",
        TextDisabled = "#66706d",
        ActionDefault = "#4d5754",
        ActionDisabled = "#66706d",
        ActionDisabledBackground = "#e4e3dd",
        Background = "#f6f5f1",
        BackgroundGray = "#eeede7",
        Surface = "#fffefb",
        DrawerBackground = "#f6f5f1",
        DrawerText = "#333a38",
        DrawerIcon = "#56605d",
        AppbarBackground = "#f6f5f1",
        AppbarText = "#1d2221",
        LinesDefault = "#dddbd2",
        LinesInputs = "#858c88",
        TableLines = "#e5e3db",
        TableHover = "#f1f0ea",
        TableStriped = "#f8f7f3",
        Divider = "#dddbd2",
        DividerLight = "#e9e7e0",
        Skeleton = "#e4e3dd",
        GrayDefault = "#66706d",
        HoverOpacity = 0.07,
    };

    static PaletteDark Night() => new()
    {
        Primary = "#7cc4bb",
        PrimaryContrastText = "#0d2321",
        Secondary = "#d9b36a",
        SecondaryContrastText = "#261a02",
        Tertiary = "#aeb3ee",
        TertiaryContrastText = "#14173a",
        Info = "#8dbfea",
        InfoContrastText = "#0a2136",
        Success = "#8cc894",
        SuccessContrastText = "#0c2611",
        Warning = "#e5b45f",
        WarningContrastText = "#2a1b00",
        Error = "#f0908d",
        ErrorContrastText = "#3a0808",
        Dark = "#d6dbd9",
        TextPrimary = "#e6e9e7",
        TextSecondary = "#a9b2af",
        TextDisabled = "#97a19d",
        ActionDefault = "#b4bdb9",
        ActionDisabled = "#97a19d",
        ActionDisabledBackground = "#2b3130",
        Background = "#151918",
        BackgroundGray = "#101312",
        Surface = "#1c2120",
        DrawerBackground = "#151918",
        DrawerText = "#d3d9d6",
        DrawerIcon = "#a9b2af",
        AppbarBackground = "#151918",
        AppbarText = "#e6e9e7",
        LinesDefault = "#303736",
        LinesInputs = "#7d8784",
        TableLines = "#2a3130",
        TableHover = "#232928",
        TableStriped = "#1a1f1e",
        Divider = "#303736",
        DividerLight = "#272d2c",
        Skeleton = "#2b3130",
        GrayDefault = "#97a19d",
        HoverOpacity = 0.09,
    };

    static Typography Type() => new()
    {
        Default = new DefaultTypography { FontFamily = Sans, FontSize = "0.875rem", LineHeight = "1.45", LetterSpacing = "normal" },
        H1 = new H1Typography { FontFamily = Sans, FontSize = "1.5rem", FontWeight = "650", LineHeight = "1.25", LetterSpacing = "-0.01em" },
        H2 = new H2Typography { FontFamily = Sans, FontSize = "1.1rem", FontWeight = "650", LineHeight = "1.3", LetterSpacing = "normal" },
        H3 = new H3Typography { FontFamily = Sans, FontSize = "0.95rem", FontWeight = "650", LineHeight = "1.35", LetterSpacing = "normal" },
        H6 = new H6Typography { FontFamily = Sans, FontSize = "1rem", FontWeight = "650", LineHeight = "1.35", LetterSpacing = "normal" },
        Body1 = new Body1Typography { FontFamily = Sans, FontSize = "0.875rem", LineHeight = "1.5", LetterSpacing = "normal" },
        Body2 = new Body2Typography { FontFamily = Sans, FontSize = "0.875rem", LineHeight = "1.45", LetterSpacing = "normal" },
        Button = new ButtonTypography { FontFamily = Sans, FontSize = "0.875rem", FontWeight = "600", LetterSpacing = "normal", TextTransform = "none" },
        Caption = new CaptionTypography { FontFamily = Sans, FontSize = "0.8rem", LineHeight = "1.4", LetterSpacing = "normal" },
    };
}
