global using Latchkey.Server.Tests.Support;
global using Microsoft.Playwright;
global using Xunit;
global using static Microsoft.Playwright.Assertions;
