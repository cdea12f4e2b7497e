using System.Text.Json;
using Latchkey.Server.Activity;
using Latchkey.Server.Data;
using Latchkey.Server.Http;

namespace Latchkey.Server.Licenses;

/// <summary><c>GET</c>, <c>HEAD</c> and <c>POST /api/license/verify</c>.</summary>
sealed class VerifyLicense(LicenseDesk desk)
{
    public async Task Handle(HttpContext context)
    {
        Patience.Begin();
        try
        {
            if (await desk.Admit(context, ActivityKind.Verify, ["GET", "HEAD", "POST"]) is not { } asked) return;
            if (await desk.Grant(context, ActivityKind.Verify, asked) is not { } granted) return;
            await Answer.Success(context, Wire.LicenseIsValid, granted, Write);
        }
        catch (StoreUnavailableException)
        {
            desk.CountUnavailable(ActivityKind.Verify);
            throw;
        }
    }

    public static void Write(Utf8JsonWriter json, GrantedLicense granted)
    {
        var license = granted.License;
        json.WriteNumber("license_id"u8, license.Id);
        json.WriteString("license_key"u8, granted.Key);
        json.WriteNumber("product_id"u8, license.ProductId);
        json.WriteString("product_name"u8, license.ProductName);
        if (license.UserId is { } user) json.WriteNumber("user_id"u8, user);
        else json.WriteNull("user_id"u8);
        json.WriteBoolean("is_active"u8, true);
        if (license.LastRotated is { } rotated) json.WriteString("last_rotated"u8, Wire.Micros(rotated));
        else json.WriteNull("last_rotated"u8);
        json.WriteString("created_at"u8, Wire.Micros(license.CreatedAt));
        json.WriteString("domain"u8, granted.Domain);
    }
}
