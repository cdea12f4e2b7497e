using Latchkey.Server.Commands;
using Latchkey.Server.Data;

Posix.KeepPrivate();
System.Globalization.CultureInfo.DefaultThreadCurrentCulture = System.Globalization.CultureInfo.InvariantCulture;
System.Globalization.CultureInfo.CurrentCulture = System.Globalization.CultureInfo.InvariantCulture;
return await CommandLine.Run(args);
