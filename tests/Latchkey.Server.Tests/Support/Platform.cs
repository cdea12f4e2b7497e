// The tests kill processes, mount file systems and look at rights.
[assembly: System.Runtime.Versioning.SupportedOSPlatform("linux")]
