// The status page in a real browser: it is shown what the server knows, without an error of its own. With TARN_SCREENSHOTS=1 pictures are left in artifacts/status, at two sizes, light and dark.
using System.Diagnostics;

namespace Tarn.AspNetCore.Tests;

public sealed class StatusPageTests
{
    private const string Browser = "/usr/bin/chromium";

    [Fact]
    public async Task A_browser_shows_slots_modules_and_tenants()
    {
        Assert.SkipUnless(File.Exists(Browser), "there is no chromium");
        await using TestServer server = await TestServer.StartAsync(static options =>
        {
            options.Instances = 200;
            options.Tenant = static http => http.Request.Query["tenant"];
            options.RequestTimeout = TimeSpan.FromSeconds(20);
        });
        for (int i = 0; i < 30; i++)
            _ = await server.Client.GetStringAsync($"/add/2/3?tenant=tenant-{i % 4}");
        _ = await server.Client.GetAsync("/trap/?tenant=%3Cb%3Ebold%3C/b%3E");
        using var leave = new CancellationTokenSource();
        Task[] busy = [.. Enumerable.Range(0, 5).Select(_ => server.Client.GetAsync("/loop/", leave.Token))];
        while (server.Host.Engine.GetPoolStatistics().Instances.InUse < 5)
            await Task.Delay(5);
        string page = server.Client.BaseAddress + "tarn";
        string dom = await RunAsync("--virtual-time-budget=2500", "--dump-dom", page);
        foreach (string expected in new[] { "<td>numbers</td>", "Unreachable 1", "<td>tenant-3</td>", "200 slots: 5 in use", "updated " })
            Assert.Contains(expected, dom, StringComparison.Ordinal);
        // Names are text and never markup.
        Assert.Contains("&lt;b&gt;bold&lt;/b&gt;", dom, StringComparison.Ordinal);
        if (Environment.GetEnvironmentVariable("TARN_SCREENSHOTS") == "1")
        {
            string folder = Directory.CreateDirectory(Path.Combine("artifacts", "status")).FullName;
            foreach ((string name, string size) in new[] { ("wide", "1280,1000"), ("narrow", "500,1000") })
            {
                foreach ((string scheme, string value) in new[] { ("dark", "0"), ("light", "1") })
                    _ = await RunAsync($"--window-size={size}", "--hide-scrollbars", "--virtual-time-budget=2500", $"--blink-settings=preferredColorScheme={value}", $"--screenshot={Path.Combine(folder, $"{name}-{scheme}.png")}", page);
            }
        }
        await leave.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Task.WhenAll(busy));
        Assert.True(await server.IsQuietAsync());
    }

    private static async Task<string> RunAsync(params string[] arguments)
    {
        DirectoryInfo profile = Directory.CreateTempSubdirectory("tarn-chromium-");
        try
        {
            var start = new ProcessStartInfo(Browser, ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", $"--user-data-dir={profile.FullName}", .. arguments])
            {
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            };
            using Process browser = Process.Start(start)!;
            Task<string> error = browser.StandardError.ReadToEndAsync();
            string text = await browser.StandardOutput.ReadToEndAsync().WaitAsync(TimeSpan.FromSeconds(60));
            await browser.WaitForExitAsync();
            Assert.True(browser.ExitCode == 0, await error);
            return text;
        }
        finally
        {
            try
            {
                profile.Delete(recursive: true);
            }
            catch (IOException)
            {
                // A process of the browser still writes; the system's temporary directory is cleared by others.
            }
        }
    }
}
