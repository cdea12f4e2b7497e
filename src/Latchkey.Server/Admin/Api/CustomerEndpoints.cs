using Latchkey.Server.Admin.Access;
using Latchkey.Server.Customers;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Latchkey.Server.Admin.Api;

static class CustomerEndpoints
{
    public static void Map(RouteGroupBuilder customers)
    {
        customers.MapGet("/", (CustomerOperations operations, string? q, [AsParameters] Paging page) => operations.List(q, page.Request))
            .WithName("listCustomers").WithSummary("List customers").Needs(Permission.CustomersRead).SortedBy("-id", "id").Heavy();
        customers.MapPost("/", Create).WithName("createCustomer").WithSummary("Add a customer").Needs(Permission.CustomersWrite).Refuses("CUSTOMER_EXISTS");
        customers.MapGet("/{id:long}", (long id, CustomerOperations operations) => operations.Show(id))
            .WithName("getCustomer").WithSummary("Show a customer").Needs(Permission.CustomersRead).Refuses("CUSTOMER_NOT_FOUND");
        customers.MapPatch("/{id:long}", (long id, EditCustomerRequest edit, CustomerOperations operations) =>
                operations.Edit(id, new CustomerFields(edit.Name, edit.Email, edit.Reference, edit.Notes)))
            .WithName("editCustomer").WithSummary("Change a customer; what is left out stays").Needs(Permission.CustomersWrite).Refuses("CUSTOMER_NOT_FOUND");
        customers.MapDelete("/{id:long}", (long id, CustomerOperations operations) => operations.Delete(id))
            .WithName("deleteCustomer").WithSummary("Forget a customer who has no licenses").Needs(Permission.CustomersWrite).Refuses("CUSTOMER_NOT_FOUND", "CUSTOMER_HAS_LICENSES");
    }

    static Created<CustomerView> Create(CreateCustomerRequest wanted, CustomerOperations operations)
    {
        var customer = operations.Add(wanted.Id, new CustomerFields(wanted.Name, wanted.Email, wanted.Reference, wanted.Notes));
        return TypedResults.Created($"/api/admin/customers/{customer.Id}", customer);
    }
}
