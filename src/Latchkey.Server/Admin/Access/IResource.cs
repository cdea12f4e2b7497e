namespace Latchkey.Server.Admin.Access;

/// <summary>Something with a state of its own, which an entity tag names.</summary>
interface IResource;
