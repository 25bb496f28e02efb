$ErrorActionPreference = 'Stop'
Set-Location -LiteralPath $PSScriptRoot
$bad = 0
$good = 0
foreach ($line in [IO.File]::ReadAllLines((Join-Path $PSScriptRoot 'SHA256SUMS'), [Text.Encoding]::UTF8)) {
    if ($line.StartsWith('\')) { "cannot be checked here: $line"; $bad++; continue }
    $sum = $line.Substring(0, 64)
    $name = $line.Substring(66).Replace('/', '\')
    $path = Join-Path $PSScriptRoot $name
    if (-not (Test-Path -LiteralPath $path -PathType Leaf)) { "missing: $name"; $bad++; continue }
    if ((Get-FileHash -LiteralPath $path -Algorithm SHA256).Hash.ToLowerInvariant() -ne $sum) { "not the same: $name"; $bad++; continue }
    $good++
}
"$good ok, $bad not ok"
exit [int]($bad -gt 0)
