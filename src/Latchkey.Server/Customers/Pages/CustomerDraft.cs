namespace Latchkey.Server.Customers.Pages;

/// <summary>What is typed of a customer.</summary>
public sealed class CustomerDraft
{
    public string Number { get; set; } = "";
    public string Name { get; set; } = "";
    public string Email { get; set; } = "";
    public string Reference { get; set; } = "";
    public string Notes { get; set; } = "";

    internal CustomerFields Fields => new(Name, Email, Reference, Notes);

    public static CustomerDraft Of(CustomerView customer) => new()
    {
        Name = customer.Name ?? "",
        Email = customer.Email ?? "",
        Reference = customer.Reference ?? "",
        Notes = customer.Notes ?? "",
    };
}
