namespace Latchkey.Server.Customers;

/// <summary>Who has licenses. The number is the vendor's own: the wire's <c>user_id</c>.</summary>
sealed class Customer
{
    public long Id { get; set; }
    public string? Name { get; set; }
    public string? Email { get; set; }

    /// <summary>Whatever the vendor's other systems call this customer.</summary>
    public string? Reference { get; set; }

    public string? Notes { get; set; }
    public DateTimeOffset CreatedAt { get; set; }
}
