using System.Globalization;
using Latchkey.Server.Admin.Access;
using Latchkey.Server.Data;
using Latchkey.Server.Http;
using Microsoft.EntityFrameworkCore;

namespace Latchkey.Server.Customers;

public sealed record CustomerView(
    long Id, string? Name, string? Email, string? Reference, string? Notes, string CreatedAt, [property: OutsideState] int Licenses) : IResource;

/// <summary>What is to be set; null leaves as it is, an empty text takes it away.</summary>
sealed record CustomerFields(string? Name = null, string? Email = null, string? Reference = null, string? Notes = null);

/// <summary>What a vendor does with customers.</summary>
sealed class CustomerOperations(UnitOfWork work)
{
    const int MaxText = 200;
    const int MaxNotes = 10_000;

    LatchkeyDb Db => work.Db;

    /// <param name="id">The vendor's own number; null takes the next free one.</param>
    /// <param name="fields">What is known of the customer.</param>
    public CustomerView Add(long? id, CustomerFields fields)
    {
        work.Require(Permission.CustomersWrite);
        if (id is < 1 or > WholeNumber.Most) throw OperationException.Invalid("/id", $"A customer's number must be a whole number, 1 to {WholeNumber.MostText}.");
        return work.Change("customer.add", () => (CustomerView?)null, _ =>
        {
            if (id is { } chosen && Db.Customers.Any(c => c.Id == chosen)) throw OperationException.Conflict("CUSTOMER_EXISTS", $"There is a customer {chosen} already.");
            if (id is null) WholeNumber.RequireNext(Db.Customers.Max(c => (long?)c.Id));
            var customer = new Customer { Id = id ?? 0, CreatedAt = work.Now };
            Set(customer, fields);
            Db.Add(customer);
            Db.SaveChanges();
            return View(customer.Id)!;
        }, view => view.Id);
    }

    public CustomerView Edit(long id, CustomerFields fields)
    {
        work.Require(Permission.CustomersWrite);
        return work.Change("customer.edit", () => View(id), _ =>
        {
            Set(Find(id), fields);
            Db.SaveChanges();
            return View(id)!;
        }, view => view.Id);
    }

    /// <summary>Forgets a customer; one that has licenses stays.</summary>
    public CustomerView Delete(long id)
    {
        work.Require(Permission.CustomersWrite, confirmed: true);
        return work.Change("customer.delete", () => View(id), before =>
        {
            var customer = Find(id);
            if (before!.Licenses > 0) throw OperationException.Conflict("CUSTOMER_HAS_LICENSES", $"Customer {id} has {before.Licenses} licenses: give them to another customer first.");
            Db.Remove(customer);
            return before;
        }, view => view.Id);
    }

    public CustomerView Show(long id)
    {
        work.Require(Permission.CustomersRead);
        return View(id) ?? throw Missing(id);
    }

    /// <param name="search">A number, or a part of a name, an e-mail address or a reference.</param>
    /// <param name="page">Sorted by <c>id</c>, <c>-id</c>.</param>
    public Page<CustomerView> List(string? search, PageRequest page)
    {
        work.Require(Permission.CustomersRead);
        var sort = page.Check("-id", "id");
        var customers = Found(search);
        if (page.After() is { Id: var after }) customers = sort == "id" ? customers.Where(c => c.Id > after) : customers.Where(c => c.Id < after);
        customers = sort == "id" ? customers.OrderBy(c => c.Id) : customers.OrderByDescending(c => c.Id);
        return page.Cut(Views(customers.Take(page.Limit + 1)), view => view.Id);
    }

    IQueryable<Customer> Found(string? search)
    {
        if (string.IsNullOrWhiteSpace(search)) return Db.Customers;
        var text = search.Trim();
        var like = LikePattern.Containing(text);
        long? number = long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var id) ? id : null;
        return Db.Customers.Where(c => c.Id == number
            || EF.Functions.Like(LatchkeyDb.Lower(c.Name), like, LikePattern.Escape) || EF.Functions.Like(LatchkeyDb.Lower(c.Email), like, LikePattern.Escape) || EF.Functions.Like(LatchkeyDb.Lower(c.Reference), like, LikePattern.Escape));
    }

    /// <summary>The customers that licenses name exist from then on, if only by their number.</summary>
    public static void Ensure(LatchkeyDb db, long? id, DateTimeOffset now)
    {
        if (id is not { } number) return;
        db.Database.ExecuteSql($"INSERT INTO customers (id, created_at) VALUES ({number}, {UnixMicroseconds.From(now)}) ON CONFLICT DO NOTHING");
    }

    /// <summary>What licenses may name as their customer; null is none.</summary>
    public static bool IsNumber(long? number) => number is null or (>= 0 and <= WholeNumber.Most);

    public const string NumberRule = $"A customer's number must be a whole number, 0 to {WholeNumber.MostText}.";

    static void Set(Customer customer, CustomerFields fields)
    {
        var faults = new Faults();
        customer.Name = Text(fields.Name, customer.Name, MaxText, "/name", faults);
        customer.Email = Text(fields.Email, customer.Email, MaxText, "/email", faults);
        customer.Reference = Text(fields.Reference, customer.Reference, MaxText, "/reference", faults);
        customer.Notes = Text(fields.Notes, customer.Notes, MaxNotes, "/notes", faults, lines: true);
        faults.Unless(fields.Email is null or "" || IsEmail(fields.Email.Trim()), "/email", "The e-mail address must look like name@example.com.");
        faults.Throw();
    }

    static string? Text(string? given, string? otherwise, int most, string pointer, Faults faults, bool lines = false)
    {
        if (given is null) return otherwise;
        var text = given.Trim();
        var isClean = text.All(c => !char.IsControl(c) || (lines && c is '\n' or '\r' or '\t'));
        faults.Unless(text.Length <= most && isClean, pointer, $"The {pointer[1..]} must be at most {most} characters{(lines ? "" : ", on one line")}.");
        return text.Length == 0 ? null : text;
    }

    public static bool IsEmail(string text) =>
        text.Length <= MaxText && text.IndexOf('@', StringComparison.Ordinal) is > 0 and var at && at == text.LastIndexOf('@') && at < text.Length - 1
        && !text.Any(c => char.IsWhiteSpace(c) || char.IsControl(c) || c is '<' or '>' or ',' or ';');

    Customer Find(long id) => Db.Customers.Find(id) ?? throw Missing(id);

    static OperationException Missing(long id) => OperationException.Missing("customer", id.ToString(CultureInfo.InvariantCulture));

    CustomerView? View(long id) => Views(Db.Customers.Where(c => c.Id == id)).SingleOrDefault();

    List<CustomerView> Views(IQueryable<Customer> customers) =>
        [.. customers.AsNoTracking().Select(c => new { Customer = c, Licenses = Db.Licenses.Count(l => l.UserId == c.Id) }).AsEnumerable()
            .Select(row => new CustomerView(row.Customer.Id, row.Customer.Name, row.Customer.Email, row.Customer.Reference, row.Customer.Notes, Wire.Micros(row.Customer.CreatedAt), row.Licenses))];
}
