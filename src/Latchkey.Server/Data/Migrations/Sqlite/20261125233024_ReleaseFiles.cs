using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Latchkey.Server.Data.Migrations.Sqlite
{
    /// <summary>Every file is one of a release.</summary>
    public partial class ReleaseFiles : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropForeignKey(
                name: "FK_artifacts_products_product_id",
                table: "artifacts");

            migrationBuilder.DropColumn(
                name: "version",
                table: "artifacts");

            migrationBuilder.DropColumn(
                name: "published_at",
                table: "artifacts");

            migrationBuilder.AlterColumn<long>(
                name: "release_id",
                table: "artifacts",
                type: "INTEGER",
                nullable: false,
                oldClrType: typeof(long),
                oldType: "INTEGER",
                oldNullable: true);

            migrationBuilder.CreateIndex(
                name: "IX_artifacts_release_id",
                table: "artifacts",
                column: "release_id");

            migrationBuilder.AddForeignKey(
                name: "FK_artifacts_artifacts_beside_id",
                table: "artifacts",
                column: "beside_id",
                principalTable: "artifacts",
                principalColumn: "id",
                onDelete: ReferentialAction.Restrict);

            migrationBuilder.AddForeignKey(
                name: "FK_artifacts_releases_release_id",
                table: "artifacts",
                column: "release_id",
                principalTable: "releases",
                principalColumn: "id",
                onDelete: ReferentialAction.Restrict);
        }
    }
}
